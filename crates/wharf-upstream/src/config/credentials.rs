//! The kinds of credentials, as they are written in a configuration.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wharf_model::Secret;

/// How requests prove who sends them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Credentials {
    /// Not at all.
    None {},
    /// A token in the `Authorization` header (RFC 6750 §2.1).
    Bearer {
        /// The token.
        token: Secret,
    },
    /// A name and a password in the `Authorization` header (RFC 7617).
    Basic {
        /// The name; it cannot hold a colon.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A key in a header, a query parameter or a cookie.
    ApiKey {
        /// The name of the header, parameter or cookie. Under `schemes` it may be left out: the document says it.
        name: Option<String>,
        /// Where the key goes. Under `schemes` it may be left out: the document says it.
        #[serde(rename = "in")]
        place: Option<ApiKeyPlace>,
        /// The key.
        value: Secret,
    },
    /// A token that an OAuth authorization server issues to this server itself (RFC 6749 §4.4). It is kept, renewed
    /// before it expires, and renewed once when the API refuses it.
    OauthClientCredentials {
        /// The address of the token endpoint. It is never taken from the document: the secret goes there.
        token_url: String,
        /// The client's name.
        client_id: String,
        /// The client's secret.
        client_secret: Secret,
        /// How the secret is sent: `basic`, in the `Authorization` header, or `post`, in the body. Default: `basic`,
        /// which every authorization server has to support (RFC 6749 §2.3.1).
        #[serde(default)]
        client_authentication: ClientAuthentication,
        /// What the token should be good for. Default: what the authorization server grants by itself.
        #[serde(default)]
        scopes: Vec<String>,
        /// More parameters for the token request, such as `audience` or `resource`. Default: none.
        #[serde(default)]
        parameters: BTreeMap<String, String>,
    },
    /// As `oauth_client_credentials`, from an Amazon Cognito user pool.
    CognitoClientCredentials {
        /// The domain of the user pool: its prefix, such as `my-shop`, a full one, such as `auth.example.com`, or an
        /// address that begins with `https://`.
        domain: String,
        /// The region of the user pool; only a domain prefix needs it.
        region: Option<String>,
        /// The app client's id.
        client_id: String,
        /// The app client's secret.
        client_secret: Secret,
        /// What the token should be good for. Default: all that the app client may have.
        #[serde(default)]
        scopes: Vec<String>,
    },
    /// A token for a user of an Amazon Cognito user pool, by name and password. Challenges, such as a second factor,
    /// cannot be answered.
    CognitoPassword {
        /// The region of the user pool.
        region: String,
        /// The app client's id; it must allow `USER_PASSWORD_AUTH`, unless `user_pool_id` is given.
        client_id: String,
        /// The app client's secret, where it has one.
        client_secret: Option<Secret>,
        /// The user's name.
        username: String,
        /// The user's password.
        password: Secret,
        /// Which token is sent: `id` or `access`. Default: `id`, which the authorizers of API Gateway expect where no
        /// scopes are set up.
        #[serde(default)]
        token: CognitoToken,
        /// The address of Cognito, where it is not the region's own.
        endpoint: Option<String>,
        /// The user pool's id. With it, an app client that does not allow `USER_PASSWORD_AUTH` is signed in to as an
        /// administrator does (`ADMIN_USER_PASSWORD_AUTH`), by a request that is signed with this server's AWS keys;
        /// they need `cognito-idp:AdminInitiateAuth`. Default: none, and no such request.
        user_pool_id: Option<String>,
        /// Filled in by [`crate::Config::completed`].
        #[serde(skip)]
        surroundings: AwsSurroundings,
    },
    /// A signature for APIs that AWS hosts (Signature Version 4).
    #[serde(rename = "sigv4")]
    SigV4 {
        /// The name that the service signs with, such as `execute-api`.
        service: String,
        /// The region of the API. Default: `AWS_REGION` or `AWS_DEFAULT_REGION` of the environment, or else the
        /// profile's.
        region: Option<String>,
        /// The id of the access key. Default: the keys that AWS's own tools would use: those of the environment, of the
        /// profile in the shared files (`AWS_PROFILE`), of the role that a token in a file, the container or the
        /// instance stands for.
        access_key_id: Option<String>,
        /// The access key. Default: as for `access_key_id`.
        secret_access_key: Option<Secret>,
        /// The session's token, which temporary keys have. Default: the one that belongs to the keys, where those are
        /// not given here.
        session_token: Option<Secret>,
        /// Filled in by [`crate::Config::completed`].
        #[serde(skip)]
        surroundings: AwsSurroundings,
    },
}

/// Where an API key goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApiKeyPlace {
    /// A header.
    Header,
    /// A parameter of the query.
    Query,
    /// A cookie.
    Cookie,
}

/// How a client proves who it is to a token endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// In the `Authorization` header.
    #[default]
    Basic,
    /// In the body.
    Post,
}

/// Which of Cognito's tokens is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CognitoToken {
    /// The one that says who the user is.
    #[default]
    Id,
    /// The one that says what the user may do.
    Access,
}

/// A certificate by which this server is known to an API (mutual TLS).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificate {
    /// The certificate and those between it and the authority, in PEM form.
    pub certificate_pem: String,
    /// Its private key, in PEM form and not encrypted.
    pub key_pem: Secret,
}

/// Where a program has the keys of its AWS identity from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AwsSurroundings {
    /// The environment, or a profile that holds them.
    Keys {
        /// The id of the access key.
        access_key_id: String,
        /// The access key.
        secret_access_key: Secret,
        /// The session's token, which temporary keys have.
        session_token: Option<Secret>,
    },
    /// A role that is taken on with other keys.
    Role {
        /// The role.
        role: AwsRole,
        /// The keys to ask for it with.
        keys: Box<AwsSurroundings>,
    },
    /// A role that is taken on with a token.
    WebIdentity {
        /// The role.
        role: AwsRole,
        /// The file that holds the token, which changes with time.
        token_file: String,
    },
    /// A container: the address to ask, and what proves that it is this container.
    Container {
        /// The address.
        url: String,
        /// What to send as `Authorization`.
        token: Option<Secret>,
        /// The file that holds it, where it changes with time.
        token_file: Option<String>,
    },
    /// An instance: its metadata service.
    Instance {
        /// The service's address.
        url: String,
    },
    /// Nowhere.
    #[default]
    Nowhere,
}

/// A role, and where it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsRole {
    /// Its name (ARN).
    pub arn: String,
    /// What the session is called in the account's logs.
    pub session_name: String,
    /// What the role's owner wants to hear.
    pub external_id: Option<String>,
    /// The region of the Security Token Service.
    pub region: String,
    /// The address of the Security Token Service.
    pub endpoint: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self::None {}
    }
}
