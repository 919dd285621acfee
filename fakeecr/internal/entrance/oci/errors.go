package oci

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
	"github.com/fakeecr/ecr/fakeecr/internal/wire"
)

// refusal is an error as the endpoint tells it.
type refusal struct {
	status int
	// code is one of the specification's; without one the message is all there is.
	code, message string
	// challenge asks for credentials.
	challenge string
}

// Error implements the error interface.
func (r *refusal) Error() string { return r.message }

// answer writes an error: all of them.
func (r *refusal) answer() *exchange.Answer {
	answer := exchange.New(r.status, "application/json; charset=utf-8", nil)
	if r.challenge != "" {
		answer.Header.Set("Www-Authenticate", r.challenge)
	}
	if r.code == "" {
		answer.Header.Set("Content-Type", "text/plain; charset=utf-8")
		answer.Body = []byte(r.message + "\n")
		return answer
	}
	type told struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	var body bytes.Buffer
	json.NewEncoder(&body).Encode(struct { // a buffer takes everything
		Errors []told `json:"errors"`
	}{[]told{{r.code, r.message}}})
	answer.Body = body.Bytes()
	return answer
}

// pageNotFound is what a server in Go answers where it serves nothing.
var pageNotFound = &refusal{status: http.StatusNotFound, message: "404 page not found"}

var tokenExpired = &refusal{status: http.StatusForbidden, code: "DENIED",
	message: "Your authorization token has expired. Reauthenticate and try again."}

// expiredCredentials is what AWS says of credentials whose time is over. Here they are
// a token.
const expiredCredentials = "The security token included in the request is expired"

// nameInvalid and the next are the specification's, and their texts are chosen.
func nameInvalid(name string) error {
	return &refusal{status: http.StatusBadRequest, code: "NAME_INVALID", message: fmt.Sprintf("Invalid repository name '%s'", name)}
}

func digestInvalid(digest string) error {
	return &refusal{status: http.StatusBadRequest, code: "DIGEST_INVALID", message: fmt.Sprintf("Invalid digest '%s'", digest)}
}

// tagInvalid is for a tag to read, and tagUnfit for one to put by the specification,
// which has no code of its own for it. Both are chosen.
func tagInvalid(tag string) error {
	return &refusal{status: http.StatusBadRequest, code: "TAG_INVALID", message: fmt.Sprintf("Invalid tag '%s'", tag)}
}

func tagUnfit(tag string) error {
	return &refusal{status: http.StatusBadRequest, code: "MANIFEST_INVALID", message: fmt.Sprintf("Invalid tag '%s'", tag)}
}

// manifestCut and the next are chosen; their statuses are the specification's.
var (
	manifestCut = &refusal{status: http.StatusBadRequest, code: "MANIFEST_INVALID",
		message: "The manifest ends before its end"}
	manifestTooLarge = &refusal{status: http.StatusRequestEntityTooLarge, code: "SIZE_INVALID",
		message: fmt.Sprintf("The manifest has more than %d bytes", maxManifest)}
	pageInvalid = &refusal{status: http.StatusBadRequest, code: "PAGINATION_NUMBER_INVALID",
		message: "The number of results is no natural number"}
	pageNotNumber = &refusal{status: http.StatusMethodNotAllowed, code: "UNSUPPORTED",
		message: "Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must be an integer'"}
)

// blobStays is chosen, and so are the texts of the next ones but for blobUnknown and
// uploadUnknown, which are the API's.
var blobStays = &refusal{status: http.StatusMethodNotAllowed, code: "UNSUPPORTED", message: "The operation is unsupported."}

func blobUnknown(r *request) error {
	return &refusal{status: http.StatusNotFound, code: "BLOB_UNKNOWN", message: "The layer with digest '" + r.reference +
		"' does not exist within the repository with name '" + r.repository + "' in the registry with id '" + r.registry.Account + "'"}
}

func uploadUnknown(r *request) error {
	return &refusal{status: http.StatusNotFound, code: "BLOB_UPLOAD_UNKNOWN", message: fmt.Sprintf(
		"The upload with id '%s' in the repository with name '%s' in registry with id '%s' does not exist", r.reference, r.repository, r.registry.Account)}
}

func uploadInvalid(why error) error {
	return &refusal{status: http.StatusBadRequest, code: "BLOB_UPLOAD_INVALID", message: why.Error()}
}

func rangeInvalid(header string) error {
	return uploadInvalid(fmt.Errorf("Content-Range '%s' is not of the form FIRST-LAST", header))
}

// form is the status and the code of an exception on this endpoint.
type form struct {
	status int
	code   string
}

// forms are those of the API's exceptions. What was never recorded has the status
// of its code in Docker's registry.
var forms = map[string]form{
	"RepositoryNotFoundException":       {http.StatusNotFound, "NAME_UNKNOWN"},
	"ImageNotFoundException":            {http.StatusNotFound, "MANIFEST_UNKNOWN"},
	"InvalidParameterException":         {http.StatusMethodNotAllowed, "UNSUPPORTED"},
	"ImageTagAlreadyExistsException":    {http.StatusBadRequest, "TAG_INVALID"},
	"ImageDigestDoesNotMatchException":  {http.StatusBadRequest, "MANIFEST_INVALID"},
	"ReferencedImagesNotFoundException": {http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN"},
	"LayersNotFoundException":           {http.StatusNotFound, "BLOB_UNKNOWN"},
	"LayerInaccessibleException":        {http.StatusNotFound, "BLOB_UNKNOWN"},
	"InvalidLayerException":             {http.StatusBadRequest, "BLOB_UPLOAD_INVALID"},
	"InvalidLayerPartException":         {http.StatusRequestedRangeNotSatisfiable, "BLOB_UPLOAD_INVALID"},
	"LayerPartTooSmallException":        {http.StatusBadRequest, "BLOB_UPLOAD_INVALID"},
	"EmptyUploadException":              {http.StatusBadRequest, "BLOB_UPLOAD_INVALID"},
	"UploadNotFoundException":           {http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN"},
	"LimitExceededException":            {http.StatusForbidden, "DENIED"},
	"KmsException":                      {http.StatusForbidden, "DENIED"},
	"AccessDeniedException":             {http.StatusForbidden, "DENIED"},
	"ExpiredTokenException":             {http.StatusForbidden, "DENIED"},
	"UnrecognizedClientException":       {http.StatusForbidden, "DENIED"},
	"InvalidSignatureException":         {http.StatusForbidden, "DENIED"},
	"ThrottlingException":               {http.StatusTooManyRequests, "TOOMANYREQUESTS"},
	"UnableToGetUpstreamImageException": {http.StatusForbidden, "DENIED"},
	"UnableToGetUpstreamLayerException": {http.StatusForbidden, "DENIED"},

	"UnableToListUpstreamImageReferrersException": {http.StatusForbidden, "DENIED"},
}

// refusalOf is an error in the endpoint's form.
func (r *request) refusalOf(err error) *refusal {
	var told *refusal
	if errors.As(err, &told) {
		return told
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return &refusal{status: http.StatusInternalServerError, code: "UNKNOWN", message: err.Error()}
	}
	if api.ErrorCode() == "ExpiredTokenException" && api.ErrorMessage() == expiredCredentials {
		return tokenExpired
	}
	status, _ := wire.WriteError(err)
	known, found := forms[api.ErrorCode()]
	if !found {
		known = form{status, "UNKNOWN"}
	}
	return &refusal{status: known.status, code: known.code, message: api.ErrorMessage()}
}

// failures are the forms of what fails of a batch of one image.
var failures = map[types.ImageFailureCode]form{
	types.ImageFailureCodeImageNotFound:                 {http.StatusNotFound, "MANIFEST_UNKNOWN"},
	types.ImageFailureCodeImageInaccessible:             {http.StatusNotFound, "UNKNOWN"},
	types.ImageFailureCodeInvalidImageTag:               {http.StatusBadRequest, "TAG_INVALID"},
	types.ImageFailureCodeInvalidImageDigest:            {http.StatusBadRequest, "DIGEST_INVALID"},
	types.ImageFailureCodeImageReferencedByManifestList: {http.StatusMethodNotAllowed, "UNSUPPORTED"},
	types.ImageFailureCodeKmsError:                      {http.StatusForbidden, "DENIED"},
	types.ImageFailureCodeUpstreamAccessDenied:          {http.StatusForbidden, "DENIED"},
	types.ImageFailureCodeUpstreamTooManyRequests:       {http.StatusTooManyRequests, "TOOMANYREQUESTS"},
	types.ImageFailureCodeUpstreamUnavailable:           {http.StatusServiceUnavailable, "UNAVAILABLE"},
}

// imageRefused is the failure of a batch of one image. A batch that has neither
// the image nor a failure, which only a rule can bring about, has not found it.
func imageRefused(failed []types.ImageFailure) error {
	failure := types.ImageFailure{FailureCode: types.ImageFailureCodeImageNotFound, FailureReason: aws.String("Requested image not found")}
	if len(failed) > 0 {
		failure = failed[0]
	}
	known, found := failures[failure.FailureCode]
	if !found {
		known = form{http.StatusInternalServerError, "UNKNOWN"}
	}
	return &refusal{status: known.status, code: known.code, message: aws.ToString(failure.FailureReason)}
}
