package transcript

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/fakeecr/ecr/fakeecr/internal/wire"
)

// Target is what transcripts are played against: a fake, or ECR, by its endpoints.
type Target struct {
	// Account and Region are the registry's. OtherRegion is where transcripts go that
	// want a second one; without it they are skipped.
	Account, Region, OtherRegion string
	// API and Registry are where the API and the registry endpoint of a region are,
	// without a slash at the end. A nil Registry has no registry endpoint.
	API, Registry func(region string) string
	Transport     http.RoundTripper
	// Credentials sign the calls of the API; nil signs none.
	Credentials aws.CredentialsProvider
	// Advance moves the target's clock. Without it time only passes.
	Advance func(d time.Duration)
	// Pause waits on the machine's clock. Without it nothing is waited for, and a call
	// that is throttled is not made again.
	Pause func(ctx context.Context, d time.Duration) error
}

// Reply is an answer as it came.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

func (r *Reply) succeeded() bool { return 200 <= r.Status && r.Status < 400 }

// failure is the code and the message of an error of the API.
func (r *Reply) failure() (code, message string) {
	var e struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if json.Unmarshal(r.Body, &e) != nil {
		return "", ""
	}
	return e.Type, e.Message
}

func (r *Reply) isThrottled() bool {
	code, _ := r.failure()
	return code == "ThrottlingException" || r.Status == http.StatusTooManyRequests || r.Status == http.StatusServiceUnavailable
}

// isForeign tells whether an answer to a call of the API is none of the API's: there is
// no such operation, or nothing that it is an operation of.
func (r *Reply) isForeign() bool {
	code, message := r.failure()
	switch {
	case r.succeeded():
		return false
	case code == "":
		return r.Status != http.StatusBadRequest
	case code == "InternalFailure":
		return strings.Contains(message, "implemented")
	default:
		return r.Status == http.StatusNotImplemented || unknownOperation.MatchString(code)
	}
}

// unknownOperation is the codes by which services say that they have no such operation.
var unknownOperation = regexp.MustCompile(`^(UnknownOperation|UnknownAction|InvalidAction|NotImplemented)`)

// String is what people are told of an answer that nobody expected, in one line.
func (r *Reply) String() string {
	if code, message := r.failure(); code != "" {
		return fmt.Sprintf("%d %s %s", r.Status, code, quote(message))
	}
	const most = 200
	body := strings.Join(strings.Fields(strings.ToValidUTF8(string(r.Body), "?")), " ")
	if len(body) > most {
		body = strings.ToValidUTF8(body[:most], "") + "…"
	}
	if body == "" {
		return fmt.Sprint(r.Status)
	}
	return fmt.Sprintf("%d %s", r.Status, body)
}

// largest is how much of an answer is read, in bytes.
const largest = 64 << 20

// longest is how long an answer may take.
const longest = time.Minute

// send sends a request with its body.
func (t *Target) send(ctx context.Context, req *http.Request, body []byte) (*Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	req = req.WithContext(ctx)
	req.ContentLength = int64(len(body))
	if len(body) > 0 {
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	response, err := t.Transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, largest))
	if err != nil {
		return nil, err
	}
	return &Reply{Status: response.StatusCode, Header: response.Header, Body: content}, nil
}

// call sends a call of the API.
func (t *Target) call(ctx context.Context, region, operation string, input []byte) (*Reply, error) {
	req, err := http.NewRequest(http.MethodPost, t.API(region)+"/", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", wire.ContentType)
	req.Header.Set("X-Amz-Target", wire.TargetPrefix+operation)
	req.ContentLength = int64(len(input))
	if t.Credentials != nil {
		credentials, err := t.Credentials.Retrieve(ctx)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(input)
		if err := v4.NewSigner().SignHTTP(ctx, credentials, req, hex.EncodeToString(sum[:]), "ecr", region, time.Now()); err != nil {
			return nil, err
		}
	}
	return t.send(ctx, req, input)
}

// request sends a request to the registry endpoint, or to a URL.
func (t *Target) request(ctx context.Context, method string, to *url.URL, header http.Header, body []byte) (*Reply, error) {
	req, err := http.NewRequest(method, to.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header = header
	return t.send(ctx, req, body)
}

// token is the value of Authorization for the registry endpoint of a region.
func (t *Target) token(ctx context.Context, region string) (string, error) {
	reply, err := t.call(ctx, region, "GetAuthorizationToken", []byte("{}"))
	if err != nil {
		return "", err
	}
	var answer struct {
		AuthorizationData []struct {
			AuthorizationToken string `json:"authorizationToken"`
		} `json:"authorizationData"`
	}
	if err := json.Unmarshal(reply.Body, &answer); err != nil || len(answer.AuthorizationData) == 0 {
		return "", errors.New("GetAuthorizationToken gave no token: " + reply.String())
	}
	return "Basic " + answer.AuthorizationData[0].AuthorizationToken, nil
}

// WhoseRegistry is the account of the registry that answers, which is a question that
// changes nothing.
func (t *Target) WhoseRegistry(ctx context.Context) (account string, err error) {
	reply, err := t.call(ctx, t.Region, "DescribeRegistry", []byte("{}"))
	if err != nil {
		return "", err
	}
	var answer struct {
		RegistryID string `json:"registryId"`
	}
	if err := json.Unmarshal(reply.Body, &answer); err != nil || !reply.succeeded() || answer.RegistryID == "" {
		return "", fmt.Errorf("DescribeRegistry: %s", reply)
	}
	return answer.RegistryID, nil
}
