package registry_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/faces"
)

// A Deny under a condition says whether the condition held.
func TestConditionKeys(t *testing.T) {
	tests := []struct {
		condition string
		holds     bool
	}{
		{`"StringEquals":{"aws:PrincipalAccount":"123456789012"}`, true},
		{`"StringEquals":{"aws:PrincipalAccount":"210987654321"}`, false},
		{`"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/deployer"}`, true},
		{`"StringEquals":{"aws:PrincipalType":"AssumedRole"}`, true},
		{`"Null":{"aws:username":"true"}`, true},
		{`"StringEquals":{"aws:RequestedRegion":"us-east-1"}`, true},
		{`"StringEquals":{"aws:ResourceAccount":"123456789012"}`, true},
		{`"Bool":{"aws:SecureTransport":"false"}`, false},
		{`"Bool":{"aws:SecureTransport":"true"}`, true},
		{`"Bool":{"aws:ViaAWSService":"true"}`, false},
		{`"Bool":{"aws:PrincipalIsAWSService":"false"}`, true},
		{`"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}`, true},
		{`"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`, true},
		{`"NumericLessThan":{"aws:EpochTime":"1577836800"}`, false},
		{`"StringEquals":{"aws:ResourceTag/team":"blue"}`, true},
		{`"StringEquals":{"ecr:ResourceTag/Team":"blue"}`, true},
		{`"StringEquals":{"ecr:ResourceTag/team":"green"}`, false},
		{`"Null":{"ecr:ResourceTag/owner":"true"}`, true},
		{`"StringEquals":{"aws:RequestTag/stage":"prod"}`, true},
		{`"StringEquals":{"aws:RequestTag/team":"blue"}`, false},
		{`"ForAnyValue:StringEquals":{"aws:TagKeys":["owner","Stage"]}`, true},
		{`"ForAllValues:StringEquals":{"aws:TagKeys":["owner"]}`, false},
		{`"StringEquals":{"aws:PrincipalOrgID":"o-1234567890"}`, false},
	}
	for _, test := range tests {
		t.Run(test.condition, func(t *testing.T) {
			faces.Each(t, func(t *testing.T, f faces.Face) {
				_, err := f.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/app"), Tags: tags("Team", "blue")})
				require.NoError(t, err)
				faces.SetPolicy(t, f, "team/app", faces.Statements(`{"Effect":"Deny","Principal":"*","Action":"ecr:TagResource","Condition":{`+test.condition+`}}`))
				_, err = f.As(faces.Deployer).TagResource(t.Context(), &ecr.TagResourceInput{ResourceArn: aws.String(appARN), Tags: tags("Stage", "prod")})
				if test.holds {
					faces.RequireDenied(t, err, explicitlyDenied(faces.Deployer, "TagResource", appARN, "a resource-based"))
				} else {
					require.NoError(t, err)
				}
			})
		})
	}
}

func TestConditionKeysOfPrincipals(t *testing.T) {
	tests := []struct{ arn, principal, kind, user string }{
		{faces.Alice, faces.Alice, "User", "alice"},
		{"arn:aws:iam::123456789012:user/people/bob", "arn:aws:iam::123456789012:user/people/bob", "User", "bob"},
		{faces.Deployer, "arn:aws:iam::123456789012:role/deployer", "AssumedRole", "none"},
		{"arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:root", "Account", "none"},
		{"arn:aws:sts::123456789012:federated-user/eve", "arn:aws:sts::123456789012:federated-user/eve", "FederatedUser", "none"},
	}
	for _, test := range tests {
		policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ecr:CreateRepository","Resource":"arn:aws:ecr:*:*:repository/team/${aws:username, 'none'}",
			"Condition":{"ArnEquals":{"aws:PrincipalArn":%q},"StringEquals":{"aws:PrincipalType":%q}}}}`, test.principal, test.kind)
		faces.Create(t, fakeecr.New(t).As(test.arn, policy), "team/"+test.user)
	}
}
