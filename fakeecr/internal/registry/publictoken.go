package registry

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/fakeecr/ecr/scenarios"
)

// GetPublicAuthorizationToken answers a token for public.ecr.aws, which is not served
// here: no registry of the world takes it. Like ECR Public it needs two permissions:
// https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/API_GetAuthorizationToken.html.
func (tx *Tx) GetPublicAuthorizationToken(context.Context, *scenarios.GetPublicAuthorizationTokenInput) (*scenarios.GetPublicAuthorizationTokenOutput, error) {
	tx.read()
	for _, action := range []string{"ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"} {
		if err := tx.authorizeElsewhere(Access{Action: action, Resource: "*", Registry: tx.Place}); err != nil {
			return nil, err
		}
	}
	expires := tx.Now().Add(tokenLifetime)
	payload := []byte("public " + tx.World.NewID())
	text, err := json.Marshal(password{payload, tx.World.seal(payload), "3", "DATA_KEY", expires.Unix()})
	if err != nil {
		return nil, err
	}
	token := base64.StdEncoding.EncodeToString([]byte("AWS:" + base64.StdEncoding.EncodeToString(text)))
	return &scenarios.GetPublicAuthorizationTokenOutput{AuthorizationData: &scenarios.PublicAuthorizationData{AuthorizationToken: aws.String(token), ExpiresAt: aws.Time(expires)}}, nil
}
