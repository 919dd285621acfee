package registry

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

const tokenLifetime = 12 * time.Hour

// password is the form of a registry password: base64 of this document. It holds
// no colon, so that clients may cut the token at every one.
type password struct {
	Payload    []byte `json:"payload"`
	DataKey    []byte `json:"datakey"`
	Version    string `json:"version"`
	Type       string `json:"type"`
	Expiration int64  `json:"expiration"`
}

// Authorization is what a token says: who may call which registry, until when.
type Authorization struct {
	Place
	Caller  string
	Expires time.Time
	// Serial counts the tokens of a world from 1: those of one instant have an order.
	Serial int64
	// Session is the access key of the role's session that asked for it, or "".
	Session string `json:",omitempty"`
}

// Issued is when the token was given out.
func (a Authorization) Issued() time.Time { return a.Expires.Add(-tokenLifetime) }

// GetAuthorizationToken answers a token that is good for 12 hours on the clock,
// one for each registry asked for, else one for the caller's.
func (tx *Tx) GetAuthorizationToken(_ context.Context, in *ecr.GetAuthorizationTokenInput) (*ecr.GetAuthorizationTokenOutput, error) {
	tx.read()
	accounts := in.RegistryIds
	if accounts == nil {
		accounts = []string{tx.Account}
	}
	out := &ecr.GetAuthorizationTokenOutput{AuthorizationData: []types.AuthorizationData{}}
	for _, account := range accounts {
		place := Place{Account: account, Region: tx.Region}
		expires := tx.Now().Add(tokenLifetime)
		token, err := tx.World.token(Authorization{place, tx.Caller, expires, tx.World.tokens.Add(1), tx.Session})
		if err != nil {
			return nil, err
		}
		scheme, host := tx.endpoint(place)
		out.AuthorizationData = append(out.AuthorizationData, types.AuthorizationData{
			AuthorizationToken: aws.String(base64.StdEncoding.EncodeToString([]byte("AWS:" + token))),
			ExpiresAt:          aws.Time(expires),
			ProxyEndpoint:      aws.String(scheme + "://" + host),
		})
	}
	return out, nil
}

// Tokens is how many tokens the world has given out.
func (w *World) Tokens() int64 { return w.tokens.Load() }

// token is the password for an authorization, signed by the world.
func (w *World) token(a Authorization) (string, error) {
	payload, err := json.Marshal(a)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(password{payload, w.seal(payload), "2", "DATA_KEY", a.Expires.Unix()})
	return base64.StdEncoding.EncodeToString(text), err
}

func (w *World) seal(payload []byte) []byte {
	mac := hmac.New(sha256.New, w.secret[:])
	mac.Write(payload)
	return mac.Sum(nil)
}

// Verify reads a password that this world, or the one that it was forked from,
// gave out. It does not look at the time: see Authorization.Expires.
func (w *World) Verify(token string) (Authorization, error) {
	var a Authorization
	var p password
	text, err := base64.StdEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err == nil && !hmac.Equal(p.DataKey, w.seal(p.Payload)) {
		err = fmt.Errorf("the token was not signed by this registry")
	}
	if err == nil {
		err = json.Unmarshal(p.Payload, &a)
	}
	return a, err
}
