package api

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
	"github.com/fakeecr/ecr/fakeecr/internal/stage"
	"github.com/fakeecr/ecr/fakeecr/internal/wire"
)

// service is another service of AWS, as far as code that uses ECR calls it.
type service struct {
	// signing is its name in signatures, variable what ends the name of the variable
	// with its endpoint.
	signing, variable string
	// target begins its X-Amz-Target, and version is its Version in the query protocol.
	target, version string
}

// answered are what is answered of services besides ECR; see [scenarios.Identity].
var answered = map[string]string{
	"sts":        "of sts GetCallerIdentity, AssumeRole and AssumeRoleWithWebIdentity",
	"ecr-public": "of ecr-public GetAuthorizationToken",
}

// services are those whose variable does not follow from the name in signatures, or
// that are known without a signature.
var services = []service{
	{"sts", "STS", "", "2011-06-15"},
	{"iam", "IAM", "", "2010-05-08"},
	{"ec2", "EC2", "", "2016-11-15"},
	{"s3", "S3", "", ""},
	{"ecr-public", "ECR_PUBLIC", "SpencerFrontendService.", ""},
	{"ecs", "ECS", "AmazonEC2ContainerServiceV20141113.", ""},
	{"kms", "KMS", "TrentService.", ""},
	{"secretsmanager", "SECRETS_MANAGER", "secretsmanager.", ""},
	{"ssm", "SSM", "AmazonSSM.", ""},
	{"dynamodb", "DYNAMODB", "DynamoDB_20120810.", ""},
	{"sqs", "SQS", "AmazonSQS.", "2012-11-05"},
	{"sns", "SNS", "", "2010-03-31"},
	{"events", "EVENTBRIDGE", "AWSEvents.", ""},
	{"logs", "CLOUDWATCH_LOGS", "Logs_20140328.", ""},
	{"monitoring", "CLOUDWATCH", "GraniteServiceVersion20100801.", "2010-08-01"},
	{"codebuild", "CODEBUILD", "CodeBuild_20161006.", ""},
	{"states", "SFN", "AWSStepFunctions.", ""},
	{"tagging", "RESOURCE_GROUPS_TAGGING_API", "ResourceGroupsTaggingAPI_20170126.", ""},
	{"cloudformation", "CLOUDFORMATION", "", "2010-05-15"},
	{"elasticloadbalancing", "ELASTIC_LOAD_BALANCING_V2", "", "2015-12-01"},
}

// mostForm is how much of a form is read for what it asks for.
const mostForm = 1 << 20

// Foreign answers a request of another service of AWS, in words that its own client
// can read, if the request is one. Signed names the service of its signature, or is
// empty; byName tells that it came to a name of AWS.
func Foreign(s *stage.Stage, req *http.Request, signed string, byName bool) (*exchange.Answer, bool) {
	target := req.Header.Get("X-Amz-Target")
	if strings.HasPrefix(target, wire.TargetPrefix) {
		return nil, false
	}
	asked := Queried(req)
	operation, query := asked.Get("Action"), asked != nil
	if !query {
		_, operation, _ = strings.Cut(target, ".")
	}
	other, known := serviceOf(signed, target, asked.Get("Version"))
	if !known && !query {
		return nil, false
	}
	return other.refusal(s.World.NewID(), other.elsewhere(operation, byName), query, req.Header.Get("Content-Type")), true
}

// serviceOf is the service of a signature or, without one, that of a target or of a
// version in the query protocol.
func serviceOf(signed, target, version string) (other service, known bool) {
	for _, other := range services {
		switch {
		case signed != "" && signed != "ecr":
			known = signed == other.signing
		case target != "":
			known = other.target != "" && strings.HasPrefix(target, other.target)
		default:
			known = version != "" && version == other.version
		}
		if known {
			return other, true
		}
	}
	variable := strings.ToUpper(strings.ReplaceAll(signed, "-", "_"))
	return service{signing: signed, variable: variable}, signed != "" && signed != "ecr"
}

// refusal is the answer to a request of the service. A request of JSON has its own
// content type for an answer.
func (s service) refusal(requestID, text string, query bool, contentType string) *exchange.Answer {
	switch {
	case s.signing == "s3":
		return inXML(requestID, bucketError{Code: "NotImplemented", Message: text, RequestID: requestID})
	case s.signing == "ec2":
		return inXML(requestID, instanceError{Code: "InvalidAction", Message: text, RequestID: requestID})
	case query:
		return inXML(requestID, queryError{Type: "Sender", Code: "InvalidAction", Message: text, RequestID: requestID})
	}
	answer := Refusal(requestID, &smithy.GenericAPIError{Code: "UnknownOperationException", Message: text})
	if strings.HasPrefix(contentType, "application/x-amz-json-") {
		answer.Header.Set("Content-Type", contentType)
	}
	return answer
}

// elsewhere says that this is ECR, and what leads the client to where its service is,
// which is no endpoint's matter if it asked a name of AWS.
func (s service) elsewhere(operation string, byName bool) string {
	name, variable := s.signing, s.variable
	if name == "" || name == "ecr" {
		name, variable = "another service", "<SERVICE>"
	}
	if operation != "" {
		name = fmt.Sprintf("%s, whose %s this is", name, operation)
	}
	besides := ""
	if some, found := answered[s.signing]; found {
		besides, name = ", "+some+",", "the rest of "+name
	}
	text := fmt.Sprintf("This is fakeecr, which serves Amazon ECR%s and not %s. ", besides, name)
	if byName {
		return text + "What leads AWS's own names here is a proxy, a transport or the hosts file, and no AWS_ENDPOINT_URL."
	}
	return text + fmt.Sprintf("AWS_ENDPOINT_URL leads the clients of all services here: "+
		"set AWS_ENDPOINT_URL_%s to where that service is, or AWS_ENDPOINT_URL_ECR instead of AWS_ENDPOINT_URL.", variable)
}

// Queried is what a request of the query protocol asks for, in its URL or in its form,
// nil for another request. The body is there to be read again.
func Queried(req *http.Request) url.Values {
	asked := req.URL.Query()
	media, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if req.Method == http.MethodPost && media == "application/x-www-form-urlencoded" && req.Header.Get("X-Amz-Target") == "" {
		body, err := io.ReadAll(io.LimitReader(req.Body, mostForm))
		req.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), req.Body))
		if form, wrong := url.ParseQuery(string(body)); err == nil && wrong == nil && form.Has("Action") {
			asked = form
		}
	}
	if asked.Get("Action") == "" {
		return nil
	}
	return asked
}

// The forms of errors in XML: that of the query protocol, and those of EC2 and S3.
type (
	queryError struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Type      string   `xml:"Error>Type"`
		Code      string   `xml:"Error>Code"`
		Message   string   `xml:"Error>Message"`
		RequestID string   `xml:"RequestId"`
	}
	instanceError struct {
		XMLName   xml.Name `xml:"Response"`
		Code      string   `xml:"Errors>Error>Code"`
		Message   string   `xml:"Errors>Error>Message"`
		RequestID string   `xml:"RequestID"`
	}
	bucketError struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		RequestID string `xml:"RequestId"`
	}
)

// inXML is a refusal in XML.
func inXML(requestID string, body any) *exchange.Answer {
	var text bytes.Buffer
	text.WriteString(xml.Header)
	xml.NewEncoder(&text).Encode(body) // a buffer takes everything
	answer := exchange.New(http.StatusBadRequest, "text/xml", text.Bytes())
	answer.Header.Set(RequestIDHeader, requestID)
	return answer
}
