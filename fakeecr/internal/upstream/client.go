// Package upstream is a client of registries that speak the OCI distribution
// protocol, for pull-through caches to pull from.
package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/fakeecr/ecr/fakeecr/internal/manifest"
	"github.com/fakeecr/ecr/fakeecr/internal/registry"
)

// Client asks a registry behind a round tripper. It keeps nothing between requests.
type Client struct {
	// URL is the scheme and the host, as in https://quay.io.
	URL string
	// Username and Password are the credentials, empty for none.
	Username, Password string
	Transport          http.RoundTripper
}

// maxManifest is how many bytes ECR takes for a manifest.
const maxManifest = 4 << 20

// manifestTypes are what a manifest may be, those that ECR does not store last: it
// says so itself.
var manifestTypes = []string{
	manifest.OCIIndex, manifest.OCIManifest, manifest.DockerList, manifest.DockerSchema2, manifest.DockerSchema1Signed, manifest.DockerSchema1, "*/*;q=0.1",
}

// Manifest is the manifest that a repository has under a tag or a digest.
func (c Client) Manifest(ctx context.Context, repository, reference string) (mediaType string, content []byte, err error) {
	response, err := c.get(ctx, "/v2/"+repository+"/manifests/"+reference, manifestTypes...)
	if err != nil {
		return "", nil, err
	}
	content, err = readAll(response, maxManifest)
	return mediaTypeOf(response), content, err
}

// mediaTypeOf is what an answer says that it is, or nothing if it says no more than
// that it is bytes or text.
func mediaTypeOf(response *http.Response) string {
	mediaType, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(mediaType, "application/vnd.") {
		return ""
	}
	return mediaType
}

// Blob opens the config or layer that a repository has under a digest.
func (c Client) Blob(ctx context.Context, repository, digest string) (io.ReadCloser, error) {
	response, err := c.get(ctx, "/v2/"+repository+"/blobs/"+digest)
	if err != nil {
		return nil, err
	}
	return response.Body, nil
}

// Referrers answers the digests of the manifests in a repository whose subject is
// the manifest of a digest. A registry that cannot list them may have them under a
// tag.
func (c Client) Referrers(ctx context.Context, repository, digest string) ([]string, error) {
	var digests []string
	read := map[string]bool{}
	next := "/v2/" + repository + "/referrers/" + digest
	for next != "" {
		if read[next] {
			return nil, fmt.Errorf("%w: the page %s leads to itself", registry.ErrUpstreamUnavailable, next)
		}
		read[next] = true
		page, link, err := c.index(ctx, next)
		if errors.Is(err, registry.ErrUpstreamNotFound) && digests == nil {
			digests, _, err = c.index(ctx, "/v2/"+repository+"/manifests/"+strings.Replace(digest, ":", "-", 1))
			if errors.Is(err, registry.ErrUpstreamNotFound) {
				return nil, nil
			}
			return digests, err
		}
		if err != nil {
			return nil, err
		}
		digests, next = append(digests, page...), link
	}
	return digests, nil
}

// index is the digests that an index lists, and where it goes on.
func (c Client) index(ctx context.Context, path string) (digests []string, next string, err error) {
	response, err := c.get(ctx, path, manifest.OCIIndex)
	if err != nil {
		return nil, "", err
	}
	content, err := readAll(response, maxManifest)
	if err != nil {
		return nil, "", err
	}
	var listed struct{ Manifests []struct{ Digest string } }
	if err := json.Unmarshal(content, &listed); err != nil {
		return nil, "", fmt.Errorf("%w: no index at %s: %v", registry.ErrUpstreamUnavailable, path, err)
	}
	for _, descriptor := range listed.Manifests {
		digests = append(digests, descriptor.Digest)
	}
	return digests, nextPage(response), nil
}

// nextPage is the path and query of the next page, as the header Link has it.
func nextPage(response *http.Response) string {
	target, parameters, found := strings.Cut(response.Header.Get("Link"), ">")
	if !found || !strings.Contains(parameters, "next") {
		return ""
	}
	link, err := response.Request.URL.Parse(strings.TrimPrefix(target, "<"))
	if err != nil {
		return ""
	}
	return link.RequestURI()
}

// get asks for a path, again with credentials if the registry wants some. It answers
// what is there, whose body is to be closed.
func (c Client) get(ctx context.Context, path string, accept ...string) (*http.Response, error) {
	response, err := c.ask(ctx, path, accept, "")
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return found(response, err)
	}
	authorization, err := c.authorization(ctx, response.Header.Values("WWW-Authenticate"))
	if err == nil && authorization == "" {
		return found(response, nil)
	}
	response.Body.Close()
	if err != nil {
		return nil, err
	}
	return found(c.ask(ctx, path, accept, authorization))
}

func (c Client) ask(ctx context.Context, path string, accept []string, authorization string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.URL, "/")+path, nil)
	if err != nil {
		return nil, err
	}
	if len(accept) > 0 {
		req.Header.Set("Accept", strings.Join(accept, ", "))
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	return c.do(req)
}

// do follows redirects, as those of blobs to where they are stored.
func (c Client) do(req *http.Request) (*http.Response, error) {
	if c.Transport == nil { // in place of which net/http would take the network
		return nil, errors.New("no transport to the registry")
	}
	response, err := (&http.Client{Transport: asked{c.Transport}}).Do(req)
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err // the reason that a pull gives names the registry already
	}
	return response, err
}

// asked is a round tripper whose answers know their request, as those of a recorder
// do not.
type asked struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (a asked) RoundTrip(req *http.Request) (*http.Response, error) {
	response, err := a.next.RoundTrip(req)
	if response != nil && response.Request == nil {
		response.Request = req
	}
	return response, err
}

// found is an answer, or the error that says why there is none.
func found(response *http.Response, err error) (*http.Response, error) {
	if err != nil || response.StatusCode == http.StatusOK {
		return response, err
	}
	said := reason(response)
	switch response.StatusCode {
	case http.StatusNotFound:
		err = registry.ErrUpstreamNotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		err = registry.ErrUpstreamAccessDenied
	case http.StatusTooManyRequests:
		err = registry.ErrUpstreamTooManyRequests
	default:
		err = registry.ErrUpstreamUnavailable
	}
	return nil, fmt.Errorf("%w: %s", err, said)
}

// reason is the status of a refusal and what the registry says about it.
func reason(response *http.Response) string {
	content, _ := readAll(response, 64<<10) // the status says enough
	var body struct {
		Errors []struct{ Code, Message string }
	}
	if json.Unmarshal(content, &body) != nil || len(body.Errors) == 0 {
		return response.Status
	}
	return fmt.Sprintf("%s: %s: %s", response.Status, body.Errors[0].Code, body.Errors[0].Message)
}

// readAll reads a body that is to have no more than so many bytes, and closes it.
func readAll(response *http.Response, most int64) ([]byte, error) {
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, most+1))
	if int64(len(content)) > most {
		return nil, fmt.Errorf("%w: more than %d bytes at %s", registry.ErrUpstreamUnavailable, most, response.Request.URL.Path)
	}
	return content, err
}
