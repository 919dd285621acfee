package entrance

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// canonicalRequest is what the signature of a request is over, with the headers
// that its client signed and no others:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
// Its path is that of the API.
func canonicalRequest(req *http.Request, signedHeaders []string, payload []byte) string {
	names := slices.Clone(signedHeaders)
	for i, name := range names {
		names[i] = strings.ToLower(name)
	}
	slices.Sort(names)
	var headers strings.Builder
	for _, name := range names {
		headers.WriteString(name + ":" + canonicalValue(req, name) + "\n")
	}
	query := req.URL.Query()
	if _, is := presigned(req); is {
		query.Del("X-Amz-Signature")
	}
	return strings.Join([]string{
		req.Method, "/", canonicalQuery(query), headers.String(), strings.Join(names, ";"), hex.EncodeToString(payload),
	}, "\n")
}

// canonicalValue is the values of a header, as they were sent, without the spaces
// that do not matter.
func canonicalValue(req *http.Request, name string) string {
	values := slices.Clone(sentValues(req, name))
	for i, value := range values {
		words := strings.FieldsFunc(value, func(r rune) bool { return r == ' ' })
		values[i] = strings.Join(words, " ")
	}
	return strings.Join(values, ",")
}

// sentValues is a header as it was sent, also where net/http keeps it outside of
// the request's headers.
func sentValues(req *http.Request, name string) []string {
	values := req.Header.Values(name)
	switch {
	case name == "host":
		return []string{req.Host}
	case name == "transfer-encoding":
		return req.TransferEncoding
	case name == "content-length" && values == nil && req.ContentLength >= 0:
		return []string{strconv.FormatInt(req.ContentLength, 10)}
	}
	return values
}

// canonicalQuery is a query's parameters in the order of their escaped names and,
// where these are the same, of their values.
func canonicalQuery(query url.Values) string {
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	var parameters [][]string
	for name, values := range query {
		for _, value := range values {
			parameters = append(parameters, []string{escape(name), escape(value)})
		}
	}
	slices.SortFunc(parameters, slices.Compare)
	var pairs []string
	for _, parameter := range parameters {
		pairs = append(pairs, strings.Join(parameter, "="))
	}
	return strings.Join(pairs, "&")
}

// over is the signature over a canonical request, by a secret.
func (s *signature) over(canonicalRequest, secret string) string {
	key := []byte("AWS4" + secret)
	for _, element := range s.scope {
		key = mac(key, element)
	}
	toSign := strings.Join([]string{algorithm, s.at.Format(signingTime), strings.Join(s.scope, "/"), hexSum(canonicalRequest)}, "\n")
	return hex.EncodeToString(mac(key, toSign))
}

func mac(key []byte, message string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(message))
	return mac.Sum(nil)
}

func hexSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
