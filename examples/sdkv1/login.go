// Package login is what a project has that is still on the SDK for Go v1: it tells
// what docker login needs.
package login

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/ecr"
	"github.com/aws/aws-sdk-go/service/ecr/ecriface"
)

// Credentials are a registry's, for the twelve hours that ECR's tokens last.
type Credentials struct {
	Registry, User, Password string
}

// To asks ECR for a token.
func To(client ecriface.ECRAPI) (Credentials, error) {
	given, err := client.GetAuthorizationToken(&ecr.GetAuthorizationTokenInput{})
	if err != nil {
		return Credentials{}, err
	}
	data := given.AuthorizationData[0]
	token, err := base64.StdEncoding.DecodeString(aws.StringValue(data.AuthorizationToken))
	if err != nil {
		return Credentials{}, err
	}
	user, password, found := strings.Cut(string(token), ":")
	if !found {
		return Credentials{}, errors.New("the token is not user:password")
	}
	return Credentials{aws.StringValue(data.ProxyEndpoint), user, password}, nil
}
