// An identity provider (oidc-provider) that knows one client, as Cognito or Entra would: it registers nobody.
//
// usage: provider.mjs PORT CLIENT_ID CLIENT_SECRET CALLBACK AFTER_LOGOUT
//
// Whoever comes is signed in as `ann`, or as the account that the file `account` in the working folder names; an account
// that begins with `no-` is refused. Her groups are `editors` until the file `groups` says otherwise.

import { readFileSync } from "node:fs";
import Provider from "oidc-provider";

const [port, client_id, client_secret, callback, afterLogout] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;

const told = (file, otherwise) => {
    try {
        return readFileSync(file, "utf8").trim();
    } catch {
        return otherwise;
    }
};

const provider = new Provider(issuer, {
    clients: [
        {
            client_id,
            client_secret,
            token_endpoint_auth_method: "client_secret_basic",
            grant_types: ["authorization_code", "refresh_token"],
            response_types: ["code"],
            redirect_uris: [callback],
            post_logout_redirect_uris: [afterLogout],
        },
    ],
    claims: { openid: ["sub"], email: ["email"], groups: ["groups"] },
    conformIdTokenClaims: false,
    features: {
        devInteractions: { enabled: false },
        registration: { enabled: false },
        revocation: { enabled: true },
    },
    findAccount: (_, sub) => ({
        accountId: sub,
        claims: () => ({ sub, email: `${sub}@example.com`, groups: told("groups", "editors").split(",") }),
    }),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    scopes: ["openid", "offline_access"],
});

async function interact(ctx) {
    const { prompt, params, session } = await provider.interactionDetails(ctx.req, ctx.res);
    let result;
    if (prompt.name === "login") {
        const accountId = told("account", "ann");
        result = accountId.startsWith("no-")
            ? { error: "access_denied", error_description: "no such person" }
            : { login: { accountId } };
    } else {
        const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
        grant.addOIDCScope(params.scope);
        result = { consent: { grantId: await grant.save() } };
    }
    ctx.respond = false;
    await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
}

provider.use((ctx, next) => (ctx.path.startsWith("/interaction/") ? interact(ctx) : next()));
provider.on("authorization.error", (_, error) => console.log(`refused: ${error.error} ${error.error_description}`));
provider.on("grant.error", (_, error) => console.log(`refused: ${error.error} ${error.error_description}`));
provider.on("grant.success", (ctx) => console.log(`granted: ${ctx.oidc.params.grant_type}`));
provider.on("server_error", (_, error) => console.log(`failed: ${error.stack}`));
provider.listen(Number(port), "127.0.0.1");
