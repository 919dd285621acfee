package fakeecr

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/fakeecr/ecr/fakeecr/internal/dispatch"
	"github.com/fakeecr/ecr/fakeecr/internal/policy"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
	"github.com/fakeecr/ecr/scenarios"
)

var (
	// ecrHost is a host of the API or of a registry: api.ecr.REGION or
	// ACCOUNT.dkr.ecr.REGION, under a domain of AWS.
	ecrHost = regexp.MustCompile(`^(?:(?:api\.)?ecr(?:-fips)?|([0-9]{12})\.dkr[.-]ecr(?:-fips)?)\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws|on\.aws)$`)
	// storeHost is a host of download URLs.
	storeHost = regexp.MustCompile(`^prod-([a-z0-9-]+)-starport-layer-bucket\.s3\.([a-z0-9-]+)\.amazonaws\.com$`)
)

func hostname(host string) string {
	name, _, _ := strings.Cut(host, ":")
	return name
}

// keyOf is the registry that a request is for: the one that its host names, else
// the one of its signature's scope, in which an access key of 12 digits is an
// account, else the default.
func keyOf(req *http.Request, otherwise registry.Key) registry.Key {
	key := otherwise
	if account, region, ok := credentialScope(req.Header.Get("Authorization")); ok {
		key.Region = region
		if accountPattern.MatchString(account) {
			key.Account = account
		}
	}
	if names := ecrHost.FindStringSubmatch(hostname(req.Host)); names != nil {
		key.Region = names[2]
		if names[1] != "" {
			key.Account = names[1]
		}
	}
	return key
}

// calledBy is the registry that a request calls, and the ARN of the principal
// that signed it, "" for the account's own.
func (r *Registry) calledBy(req *http.Request) (key registry.Key, caller string) {
	key, caller = keyOf(req, r.key), r.caller
	accessKey, _, _ := credentialScope(req.Header.Get("Authorization"))
	account := r.world.settings.credentials[accessKey].AccountID
	switch arn, known := r.world.state.Holder(accessKey); {
	case known:
		caller, account = arn, policy.AccountOf(arn)
	case accountPattern.MatchString(accessKey), account != "":
		caller = ""
	}
	if account != "" {
		key.Account = account
	}
	return key, caller
}

// credentialScope reads the access key and the region of a SigV4 signature.
func credentialScope(authorization string) (accessKey, region string, ok bool) {
	_, credential, found := strings.Cut(authorization, "Credential=")
	if !found || !strings.HasPrefix(authorization, "AWS4-HMAC-SHA256 ") {
		return "", "", false
	}
	credential, _, _ = strings.Cut(credential, ",")
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || checkRegion(parts[2]) != nil {
		return "", "", false
	}
	return parts[0], parts[2], true
}

// originOf begins the download URLs of an answer: where the request came to, or
// nothing for the store that [Registry.Transport] knows.
func originOf(req *http.Request) string {
	switch {
	case ecrHost.MatchString(hostname(req.Host)):
		return ""
	case req.TLS != nil:
		return "https://" + req.Host
	default:
		return "http://" + req.Host
	}
}

// endpoint is where the registry's API is: at its server, or at the name that
// [Registry.Transport] knows.
func (r *Registry) endpoint() string {
	if r.world.origin != "" {
		return r.world.origin
	}
	return fmt.Sprintf("https://api.ecr.%s.amazonaws.com", r.key.Region)
}

func downloadLayer(req *http.Request) dispatch.Handler {
	return func(ctx context.Context, call *dispatch.Call) (any, error) {
		in := call.Input.(*scenarios.DownloadLayerInput)
		out, err := registry.Run(&call.Tx, func() (*registry.Download, error) {
			return call.Tx.DownloadLayer(ctx, in, req.URL)
		})
		if err != nil {
			return nil, err
		}
		return out, nil
	}
}
