"""Makes a user pool in a Cognito at an address and signs a user in; prints the issuer, its keys, the client and the tokens.

usage: pool.py COGNITO_URL
"""

import json
import sys

import boto3

USER, PASSWORD = "ann", "A-pass-word-1"

(url,) = sys.argv[1:]
cognito = boto3.client(
    "cognito-idp",
    endpoint_url=url,
    region_name="eu-west-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
)
pool = cognito.create_user_pool(PoolName="pets")["UserPool"]["Id"]
client = cognito.create_user_pool_client(
    UserPoolId=pool,
    ClientName="web",
    ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
)["UserPoolClient"]["ClientId"]
cognito.admin_create_user(UserPoolId=pool, Username=USER)
cognito.admin_set_user_password(UserPoolId=pool, Username=USER, Password=PASSWORD, Permanent=True)
cognito.create_group(UserPoolId=pool, GroupName="staff")
cognito.admin_add_user_to_group(UserPoolId=pool, Username=USER, GroupName="staff")
tokens = cognito.initiate_auth(
    ClientId=client,
    AuthFlow="USER_PASSWORD_AUTH",
    AuthParameters={"USERNAME": USER, "PASSWORD": PASSWORD},
)["AuthenticationResult"]
told = {
    "issuer": f"https://cognito-idp.eu-west-1.amazonaws.com/{pool}",
    "keys": f"{url}{pool}/.well-known/jwks.json",
    "client": client,
    "access": tokens["AccessToken"],
    "id": tokens["IdToken"],
}
print(json.dumps(told))
