// An authorization server (oidc-provider) that issues tokens to one client, and says when a token is good.
//
// usage: issuer.mjs PORT CLIENT_ID CLIENT_SECRET AUTHENTICATION LIFETIME_S TOKEN_PATH
//
// AUTHENTICATION is how the client must prove itself: `client_secret_basic` or `client_secret_post`; any other way is
// refused. Tokens are opaque, so that a test API has to ask (RFC 7662) whether one is good.

import Provider from "oidc-provider";

const [port, client_id, client_secret, authentication, lifetime, token] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
    clients: [
        {
            client_id,
            client_secret,
            token_endpoint_auth_method: authentication,
            grant_types: ["client_credentials"],
            redirect_uris: [],
            response_types: [],
            scope: "pets:read pets:write",
        },
        {
            client_id: "api",
            client_secret: "api-secret",
            grant_types: [],
            redirect_uris: [],
            response_types: [],
        },
    ],
    scopes: ["pets:read", "pets:write"],
    features: {
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
        introspection: { enabled: true, allowedPolicy: () => true },
        revocation: { enabled: true, allowedPolicy: () => true },
    },
    // Where tokens are asked for: a user pool of Cognito has a path of its own.
    routes: { token },
    ttl: { ClientCredentials: Number(lifetime) },
});
// One line for each token, for the test to count.

provider.on("client_credentials.saved", () => console.log("issued a token"));
provider.on("grant.error", (_, error) => console.log(`refused: ${error.error}`));
provider.on("server_error", (_, error) => console.log(`failed: ${error.message}`));
provider.listen(Number(port), "127.0.0.1");
