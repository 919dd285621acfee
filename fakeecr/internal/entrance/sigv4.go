package entrance

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/constraint"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
)

const (
	signingName = "ecr"
	signingTime = "20060102T150405Z"
	// signatureLifetime is how far a client's clock may be off, either way.
	signatureLifetime = 5 * time.Minute
)

// signedRequest is a request whose body is hashed while it is read.
type signedRequest struct {
	entrance *Entrance
	*http.Request
	payload hash.Hash
}

// signed is a request's body, and what is wrong with the signature of the request
// once the body was read. Signatures are not looked at without WithSigV4.
func (e *Entrance) signed(req *http.Request) (body io.Reader, authenticate func() error) {
	if e.Credentials == nil {
		return req.Body, func() error { return nil }
	}
	s := &signedRequest{entrance: e, Request: req, payload: sha256.New()}
	return io.TeeReader(req.Body, s.payload), s.authenticate
}

// authenticate answers as AWS does, in whose JSON services all of these refusals
// have status 400.
func (s *signedRequest) authenticate() error {
	if _, err := io.Copy(s.payload, s.Body); err != nil {
		return err
	}
	signature, err := parseSignature(s.Header)
	if err != nil {
		return err
	}
	credentials, known := s.entrance.credentials(signature.accessKey)
	if !known || s.Header.Get("X-Amz-Security-Token") != credentials.SessionToken {
		return refused("UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	if err := signature.inTime(time.Now().UTC()); err != nil {
		return err
	}
	expected, err := s.sign(signature, credentials)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(expected), []byte(signature.value)) != 1 {
		return refused("InvalidSignatureException", "The request signature we calculated does not match the signature you provided. "+
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return nil
}

// sign is the signature that the request should have, with the headers that its
// client signed and no others.
func (s *signedRequest) sign(claimed *signature, credentials aws.Credentials) (string, error) {
	target := *s.URL
	again := &http.Request{Method: s.Method, URL: &target, Host: s.Host, Header: http.Header{}}
	for _, name := range claimed.headers {
		if values := s.Header.Values(name); values != nil {
			again.Header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
		}
	}
	if slices.Contains(claimed.headers, "content-length") {
		again.ContentLength = s.ContentLength
	}
	payload := hex.EncodeToString(s.payload.Sum(nil))
	if err := v4.NewSigner().SignHTTP(s.Context(), credentials, again, payload, signingName, claimed.region, claimed.at); err != nil {
		return "", err
	}
	expected, err := parseSignature(again.Header)
	if err != nil {
		return "", err
	}
	return expected.value, nil
}

// credentials are those of an access key: the ones given with WithSigV4, or the
// fake's own.
func (e *Entrance) credentials(accessKey string) (aws.Credentials, bool) {
	if given, found := e.Credentials[accessKey]; found {
		return given, true
	}
	_, holder := e.Stage.State.Holder(accessKey)
	own := aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: SecretAccessKey}
	return own, holder || constraint.ValidRegistryID(accessKey)
}

// signature is what a request says of its signature.
type signature struct {
	accessKey, region string
	headers           []string
	value             string
	at                time.Time
}

func parseSignature(header http.Header) (*signature, error) {
	authorization := header.Get("Authorization")
	parameters, signed := strings.CutPrefix(authorization, "AWS4-HMAC-SHA256 ")
	if !signed {
		return nil, refused("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	given := map[string]string{}
	for _, parameter := range strings.Split(parameters, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		given[name] = value
	}
	var missing []string
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if given[name] == "" {
			missing = append(missing, "Authorization header requires '"+name+"' parameter.")
		}
	}
	at, err := time.Parse(signingTime, header.Get("X-Amz-Date"))
	if err != nil {
		missing = append(missing, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if missing != nil {
		return nil, refused("IncompleteSignatureException", strings.Join(missing, " ")+" Authorization="+authorization)
	}
	s := &signature{headers: strings.Split(given["SignedHeaders"], ";"), value: given["Signature"], at: at}
	return s, s.readScope(given["Credential"])
}

// readScope reads a credential: KEY/YYYYMMDD/REGION/ecr/aws4_request.
func (s *signature) readScope(credential string) error {
	scope := strings.Split(credential, "/")
	switch {
	case len(scope) != 5:
		return refused("IncompleteSignatureException", "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '"+credential+"'")
	case !registry.IsRegion(scope[2]):
		return refused("InvalidSignatureException", "Credential should be scoped to a valid region.")
	case scope[3] != signingName:
		return refused("InvalidSignatureException", "Credential should be scoped to correct service: 'ecr'.")
	case scope[4] != "aws4_request":
		return refused("InvalidSignatureException", "Credential should be scoped with a valid terminator: 'aws4_request'.")
	case scope[1] != s.at.Format("20060102"):
		return refused("InvalidSignatureException", fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			scope[1], s.at.Format("20060102"), s.at.Format(signingTime)))
	}
	s.accessKey, s.region = scope[0], scope[2]
	return nil
}

func (s *signature) inTime(now time.Time) error {
	stamp := func(t time.Time) string { return t.Format(signingTime) }
	earliest, latest := now.Add(-signatureLifetime), now.Add(signatureLifetime)
	switch {
	case s.at.Before(earliest):
		return refused("InvalidSignatureException", fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - 5 min.)", stamp(s.at), stamp(earliest), stamp(now)))
	case s.at.After(latest):
		return refused("InvalidSignatureException", fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + 5 min.)", stamp(s.at), stamp(latest), stamp(now)))
	}
	return nil
}

func refused(code, message string) error {
	return &smithy.GenericAPIError{Code: code, Message: message, Fault: smithy.FaultClient}
}
