"""Makes a user pool in a Cognito at an address, with one user and one app client that has a secret; prints their names.

usage: pool.py COGNITO_URL USERNAME PASSWORD
"""

import json
import sys

import boto3

url, username, password = sys.argv[1:]
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
    ClientName="wharf",
    GenerateSecret=True,
    ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
)["UserPoolClient"]
cognito.admin_create_user(UserPoolId=pool, Username=username)
cognito.admin_set_user_password(UserPoolId=pool, Username=username, Password=password, Permanent=True)
print(json.dumps({"client_id": client["ClientId"], "client_secret": client["ClientSecret"]}))
