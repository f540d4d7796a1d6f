// An authorization server (oidc-provider) that issues JWT access tokens, each for the resource that it was asked for.
//
// usage: issuer.mjs PORT CLIENT_ID CLIENT_SECRET ALGORITHM
//
// Its keys are made anew each time it starts, as when an issuer rotates them.

import { generateKeyPairSync, randomUUID } from "node:crypto";

import Provider from "oidc-provider";

const [port, client_id, client_secret, algorithm] = process.argv.slice(2);

function key(kind, options, alg) {
    const { privateKey } = generateKeyPairSync(kind, options);
    return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), alg, use: "sig" };
}

const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [
        {
            client_id,
            client_secret,
            grant_types: ["client_credentials"],
            redirect_uris: [],
            response_types: [],
        },
    ],
    jwks: { keys: [key("rsa", { modulusLength: 2048 }, "RS256"), key("ec", { namedCurve: "P-256" }, "ES256")] },
    scopes: ["pets:read", "pets:write"],
    features: {
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
        resourceIndicators: {
            enabled: true,
            getResourceServerInfo: (_, resource) => ({
                scope: "pets:read pets:write",
                audience: resource,
                accessTokenFormat: "jwt",
                jwt: { sign: { alg: algorithm } },
            }),
        },
    },
    ttl: { ClientCredentials: 600 },
});
provider.on("grant.error", (_, error) => console.log(`refused: ${error.error} ${error.error_description}`));
provider.on("server_error", (_, error) => console.log(`failed: ${error.stack}`));
provider.listen(Number(port), "127.0.0.1");
