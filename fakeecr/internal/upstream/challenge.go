package upstream

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/fakeecr/ecr/fakeecr/internal/registry"
)

// maxToken is how many bytes a token may take.
const maxToken = 1 << 20

// authorization is the header that answers a registry's challenge, or nothing if
// there is no answer.
func (c Client) authorization(ctx context.Context, challenges []string) (string, error) {
	for _, challenge := range challenges {
		scheme, parameters, _ := strings.Cut(challenge, " ")
		switch {
		case strings.EqualFold(scheme, "Bearer"):
			token, err := c.token(ctx, parametersOf(parameters))
			return "Bearer " + token, err
		case strings.EqualFold(scheme, "Basic") && c.Username != "":
			return c.basic(), nil
		}
	}
	return "", nil
}

func (c Client) basic() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Username+":"+c.Password))
}

// parameter is one of a challenge, such as realm="https://auth.docker.io/token".
var parameter = regexp.MustCompile(`([a-zA-Z_]+)=(?:"([^"]*)"|([^",\s]+))`)

func parametersOf(challenge string) map[string]string {
	parameters := map[string]string{}
	for _, found := range parameter.FindAllStringSubmatch(challenge, -1) {
		parameters[strings.ToLower(found[1])] = found[2] + found[3]
	}
	return parameters
}

// token is what the realm of a challenge gives for it, with the credentials if there
// are any.
func (c Client) token(ctx context.Context, challenge map[string]string) (string, error) {
	realm, err := url.Parse(challenge["realm"])
	if err != nil || realm.Host == "" {
		return "", fmt.Errorf("%w: no realm in its challenge", registry.ErrUpstreamAccessDenied)
	}
	query := realm.Query()
	for _, name := range []string{"service", "scope"} {
		if value := challenge[name]; value != "" {
			query.Set(name, value)
		}
	}
	realm.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, realm.String(), nil)
	if err != nil {
		return "", err
	}
	if c.Username != "" {
		req.Header.Set("Authorization", c.basic())
	}
	response, err := found(c.do(req))
	if err != nil {
		return "", err
	}
	content, err := readAll(response, maxToken)
	if err != nil {
		return "", err
	}
	var answer struct {
		Token       string
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(content, &answer); err != nil || cmp.Or(answer.Token, answer.AccessToken) == "" {
		return "", fmt.Errorf("%w: no token from %s", registry.ErrUpstreamAccessDenied, realm.Host)
	}
	return cmp.Or(answer.Token, answer.AccessToken), nil
}
