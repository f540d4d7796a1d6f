"""Makes an AWS account at an address: a person who may do nothing but take on a role, the role, which may read two secrets
and write to a table, and these. From then on the account checks every signature and every permission. Prints the names.

usage: stores.py AWS_URL SECRET SECRETS_JSON
"""

import json
import sys
import urllib.request

import boto3

url, parameter, secret = sys.argv[1:]
REGION = "eu-west-1"


def service(name):
    return boto3.client(
        name, endpoint_url=url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
    )


def policy(actions):
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


iam = service("iam")
iam.create_user(UserName="ann")
iam.put_user_policy(UserName="ann", PolicyName="take-on", PolicyDocument=policy(["sts:AssumeRole"]))
key = iam.create_access_key(UserName="ann")["AccessKey"]
role = iam.create_role(RoleName="pets", AssumeRolePolicyDocument=policy(["sts:AssumeRole"]))["Role"]["Arn"]
allowed = ["ssm:GetParameter", "secretsmanager:GetSecretValue"]
allowed += ["dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:UpdateItem"]
iam.put_role_policy(RoleName="pets", PolicyName="read", PolicyDocument=policy(allowed))
service("ssm").put_parameter(Name="/pets/header", Value=parameter, Type="SecureString")
arn = service("secretsmanager").create_secret(Name="pets", SecretString=secret)["ARN"]
service("dynamodb").create_table(
    TableName="once",
    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    BillingMode="PAY_PER_REQUEST",
)
judge = urllib.request.Request(f"{url}/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"})
urllib.request.urlopen(judge, timeout=5).close()
print(json.dumps({"key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"], "role": role, "arn": arn}))
