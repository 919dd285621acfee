package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// shown is a page of the program's.
func shown(t *testing.T, base, path string) string {
	t.Helper()
	status, body := ask(t, "GET", base+prefix+path, "")
	require.Equal(t, http.StatusOK, status, body)
	return body
}

// press sends a form of the page and answers the status, where it leads to and what
// it shows.
func press(t *testing.T, base string, form url.Values) (status int, to, body string) {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, body := send(t, browser, "POST", base+prefix, form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Origin", base)
	return response.StatusCode, response.Header.Get("Location"), body
}

const hostile = `"><script>alert(1)</script>`

// TestPageEscapes: whatever a caller sends is shown as text.
func TestPageEscapes(t *testing.T) {
	base, _ := start(t, "-region", "eu-west-1", "-repository", "team/app")
	api := client(base)
	_, err := api.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: aws.String(hostile), ImageManifest: aws.String(`{"a":"</pre>` + `<script>"}`), ImageTag: aws.String(hostile)})
	require.Error(t, err)
	_, err = api.TagResource(t.Context(), &ecr.TagResourceInput{ResourceArn: aws.String("arn:aws:ecr:eu-west-1:123456789012:repository/team/app"),
		Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("a+b = c")}}})
	require.NoError(t, err)
	status, _, _ := press(t, base, url.Values{"do": {"play"}, "scenario": {`{"rules":[{"name":"</td><script>","on":"PutImage","do":{"hold":true},"optional":true}]}`}})
	require.Equal(t, http.StatusSeeOther, status)
	status, _, body := press(t, base, url.Values{"do": {"play"}, "scenario": {"</textarea><script>"}})
	require.Equal(t, http.StatusBadRequest, status)
	pages := body + shown(t, base, "") + shown(t, base, "call?number=2") + shown(t, base, "detail?number=2") +
		shown(t, base, "repository?account=123456789012&region=eu-west-1&name=team/app&text="+url.QueryEscape(hostile)) +
		shown(t, base, "?tag="+url.QueryEscape(hostile))
	require.Equal(t, strings.Count(pages, `<script src="page.js" defer></script>`), strings.Count(pages, "<script"))
	require.Contains(t, pages, "&lt;script&gt;")
	require.Contains(t, pages, "a&#43;b = c")
}

func TestPageListsCallsByPages(t *testing.T) {
	base, _ := start(t, "-region", "eu-west-1", "-repository", "team/app")
	api := client(base)
	for i := range 249 {
		name := "team/app"
		if i%2 == 0 {
			name = "team/none"
		}
		api.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: &name})
	}
	numbers := func(page string) (first, last string, n int) {
		n = strings.Count(page, `<li class="call`)
		_, rest, _ := strings.Cut(page, `id="call-`)
		first, _, _ = strings.Cut(rest, `"`)
		last = page[strings.LastIndex(page, `id="call-`)+len(`id="call-`):]
		last, _, _ = strings.Cut(last, `"`)
		return first, last, n
	}
	for path, want := range map[string][]any{
		"":                                 {"250", "151", 100},
		"?before=151":                      {"150", "51", 100},
		"?before=51":                       {"50", "1", 50},
		"?failed=true":                     {"250", "52", 100},
		"?failed=true&before=52":           {"50", "2", 25},
		"?operation=CreateRepository&tag=": {"1", "1", 1},
		"?operation=writes&repository=team/*&failed=false&face=Go": {"1", "1", 1},
	} {
		first, last, n := numbers(shown(t, base, path))
		require.Equal(t, want, []any{first, last, n}, path)
	}
	require.Contains(t, shown(t, base, "?failed=true"), `href="./?before=52&amp;failed=true"`)
	require.NotContains(t, shown(t, base, "?before=51"), "Older")
	for path, says := range map[string]string{"?operation=PutImages": "ECR has no operation", "?before=last": "before is the number of a call", "?colour=red": "no condition"} {
		status, body := ask(t, "GET", base+prefix+path, "")
		require.Equal(t, http.StatusBadRequest, status, path)
		require.Contains(t, body, says, path)
	}
}

func TestPageControls(t *testing.T) {
	base, _ := start(t, "-region", "eu-west-1", "-repository", "team/app")
	for name, c := range map[string]struct {
		form url.Values
		says string
	}{
		"nothing":         {url.Values{}, `the page does not &#34;&#34;`},
		"no scenario":     {url.Values{"do": {"play"}}, "unexpected end"},
		"no duration":     {url.Values{"do": {"advance"}, "duration": {"soon"}}, "invalid duration"},
		"backwards":       {url.Values{"do": {"advance"}, "duration": {"-1h"}}, "never runs backwards"},
		"stop unknown":    {url.Values{"do": {"stop"}, "id": {"7"}}, "nothing is played under the name"},
		"release unknown": {url.Values{"do": {"release"}, "id": {"7"}}, "nothing is played under the name"},
	} {
		status, _, body := press(t, base, c.form)
		require.Equal(t, http.StatusBadRequest, status, name)
		require.Contains(t, body, c.says, name)
		require.Contains(t, body, `role="alert"`, name)
	}
	// A mistake is told beside the form, with the line it is in.
	_, _, body := press(t, base, url.Values{"do": {"play"}, "scenario": {"{\r\n  \"rules\": [{\"on\": \"PutImages\"}]\r\n}"}})
	_, panel, _ := strings.Cut(body, `id="scenarios"`)
	panel, _, _ = strings.Cut(panel, "</section>")
	for _, says := range []string{`2:20: on: ECR has no operation`, `<pre class="place">  &#34;rules&#34;: [{&#34;on&#34;: <mark>&#34;PutImages&#34;}]</mark></pre>`, `aria-invalid="true" aria-describedby="notice"`} {
		require.Contains(t, panel, says)
	}
	require.Equal(t, 1, strings.Count(body, `role="alert"`))
	_, _, body = press(t, base, url.Values{"do": {"advance"}, "duration": {"soon"}})
	_, panel, _ = strings.Cut(body, `id="clock"`)
	require.Contains(t, panel, "invalid duration")
	require.Contains(t, panel, `aria-invalid="true"`)

	done := func(part string, form url.Values) {
		t.Helper()
		status, to, body := press(t, base, form)
		require.Equal(t, http.StatusSeeOther, status, body)
		require.Equal(t, prefix+part, to)
	}
	done("#scenarios", url.Values{"do": {"play"}, "scenario": {`{"rules":[{"on":"ListImages","do":{"hold":true}}]}`}})
	answered := make(chan error, 1)
	go func() {
		_, err := client(base).ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String("team/app")})
		answered <- err
	}()
	require.Eventually(t, func() bool { return strings.Contains(shown(t, base, ""), "holds 1") }, 10*time.Second, time.Millisecond)
	done("#scenarios", url.Values{"do": {"release"}, "id": {"1"}})
	require.NoError(t, <-answered)
	done("#scenarios", url.Values{"do": {"stop"}, "id": {"1"}})
	require.Contains(t, shown(t, base, ""), "No scenario is in play")

	done("#clock", url.Values{"do": {"advance"}, "duration": {" 48h "}})
	require.Contains(t, shown(t, base, ""), time.Now().UTC().Add(48*time.Hour).Format("2006-01-02"))
	done("#anew", url.Values{"do": {"reset"}})
	require.Contains(t, shown(t, base, ""), time.Now().UTC().Format("2006-01-02"))
}

// TestPageShowsTheWorld: of everything that ECR knows of an image, something is on
// its page.
func TestPageShowsTheWorld(t *testing.T) {
	base, _ := start(t, "-region", "eu-west-1", "-repository", "team/app", "-repository", "team/empty")
	api := client(base)
	config := upload(t, api, "team/app", `{"os":"linux"}`)
	put := func(manifest, tag string) string {
		t.Helper()
		out, err := api.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: aws.String("team/app"), ImageManifest: &manifest, ImageTag: &tag})
		require.NoError(t, err)
		return *out.Image.ImageId.ImageDigest
	}
	const descriptor = `{"mediaType":%q,"digest":%q,"size":%d}`
	layer := upload(t, api, "team/app", strings.Repeat("x", 2048))
	manifest := func(extra string) string {
		return fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":`+descriptor+`,"layers":[`+descriptor+`]%s}`,
			"application/vnd.oci.image.config.v1+json", config, 14, "application/vnd.oci.image.layer.v1.tar", layer, 2048, extra)
	}
	text := manifest("")
	digest := put(text, "v1")
	referrer := put(manifest(fmt.Sprintf(`,"artifactType":"application/spdx+json","subject":`+descriptor, "application/vnd.oci.image.manifest.v1+json", digest, len(text))), "sbom")
	_, err := api.SetRepositoryPolicy(t.Context(), &ecr.SetRepositoryPolicyInput{RepositoryName: aws.String("team/app"),
		PolicyText: aws.String(`{"Version":"2012-10-17","Statement":[{"Sid":"readers","Effect":"Allow","Principal":"*","Action":"ecr:BatchGetImage"}]}`)})
	require.NoError(t, err)
	post(t, base+prefix+"findings?image=team/app:v1", `{"findings":[{"name":"CVE-2026-1","severity":"HIGH"}]}`, http.StatusNoContent)
	_, err = api.StartImageScan(t.Context(), &ecr.StartImageScanInput{RepositoryName: aws.String("team/app"), ImageId: &types.ImageIdentifier{ImageTag: aws.String("v1")}})
	require.NoError(t, err)
	post(t, base+prefix+"advance?duration=1h", "", http.StatusNoContent)
	calls := shown(t, base, "")

	world := shown(t, base, "world")
	for _, says := range []string{"123456789012", "eu-west-1", "team/app", "team/empty", "AES256", "MUTABLE"} {
		require.Contains(t, world, says)
	}
	repository := shown(t, base, "repository?account=123456789012&region=eu-west-1&name=team/app")
	for _, says := range []string{"v1", "sbom", "scan COMPLETE", "1 high", "2.0 KiB", "\n      &#34;Sid&#34;: &#34;readers&#34;", digest, referrer, "about sha256:"} {
		require.Contains(t, repository, says)
	}
	found := shown(t, base, "repository?account=123456789012&region=eu-west-1&name=team/app&text=sbo")
	require.Contains(t, found, referrer)
	require.NotContains(t, found, `digest=`+url.QueryEscape(digest))
	image := html.UnescapeString(shown(t, base, "image?account=123456789012&region=eu-west-1&repository=team/app&digest="+digest))
	for _, says := range []string{digest, "application/vnd.oci.image.layer.v1.tar", "application/spdx+json", "\n  \"schemaVersion\": 2", "CVE-2026-1", "2062 bytes", "never"} {
		require.Contains(t, image, says)
	}
	require.Equal(t, strings.Count(calls, `<li class="call`), strings.Count(shown(t, base, ""), `<li class="call`), "who looks is not in the trace")

	_, err = api.UpdateImageStorageClass(t.Context(), &ecr.UpdateImageStorageClassInput{RepositoryName: aws.String("team/app"),
		ImageId: &types.ImageIdentifier{ImageDigest: &digest}, TargetStorageClass: types.TargetStorageClassArchive})
	require.NoError(t, err)
	repository = shown(t, base, "repository?account=123456789012&region=eu-west-1&name=team/app")
	for _, says := range []string{digest, "2, 1 archived, newest first", "ARCHIVED"} {
		require.Contains(t, repository, says, "also what ListImages leaves out")
	}
	require.Contains(t, shown(t, base, "world"), ">2, 1 archived<")
	for _, path := range []string{"repository?account=123456789012&region=eu-west-1&name=none", "repository?name=team/app", "image?account=123456789012&region=eu-west-1&repository=team/app&digest=sha256:0", "call?number=0", "call?number=99999", "call", "detail?number=x", "world?account=1"} {
		status, _ := ask(t, "GET", base+prefix+path, "")
		require.Equal(t, http.StatusNotFound, status, path)
	}
}

// upload puts a layer and answers its digest.
func upload(t *testing.T, api *ecr.Client, repository, content string) string {
	t.Helper()
	begun, err := api.InitiateLayerUpload(t.Context(), &ecr.InitiateLayerUploadInput{RepositoryName: &repository})
	require.NoError(t, err)
	_, err = api.UploadLayerPart(t.Context(), &ecr.UploadLayerPartInput{RepositoryName: &repository, UploadId: begun.UploadId,
		LayerPartBlob: []byte(content), PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(int64(len(content)) - 1)})
	require.NoError(t, err)
	name := digest.FromString(content).String()
	_, err = api.CompleteLayerUpload(t.Context(), &ecr.CompleteLayerUploadInput{RepositoryName: &repository, UploadId: begun.UploadId, LayerDigests: []string{name}})
	require.NoError(t, err)
	return name
}

// events follows a page and answers a function that waits for the next message.
func events(t *testing.T, base, query string, headers ...string) func() (id string, told message) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", base+prefix+"events?"+query, nil)
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { response.Body.Close() })
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	begun := time.Now()
	return func() (id string, told message) {
		t.Helper()
		require.Less(t, time.Since(begun), 20*time.Second, "the page is told of nothing but time")
		for lines.Scan() && lines.Text() != "" {
			if text, found := strings.CutPrefix(lines.Text(), "id: "); found {
				id = text
			}
			if text, found := strings.CutPrefix(lines.Text(), "data: "); found {
				require.NoError(t, json.Unmarshal([]byte(text), &told))
			}
		}
		require.NoError(t, lines.Err())
		return id, told
	}
}

// worldOf is the number of the world that the page knows.
func worldOf(t *testing.T, base string) (world int64) {
	t.Helper()
	_, live, _ := strings.Cut(shown(t, base, ""), `data-live="events?after=`)
	_, err := fmt.Sscanf(live, "%d-", &world)
	require.NoError(t, err)
	return world
}

func TestPageIsToldOfCalls(t *testing.T) {
	base, stop := start(t, "-region", "eu-west-1", "-repository", "team/app")
	api := client(base)
	world := worldOf(t, base)
	next := events(t, base, fmt.Sprintf("after=%d-1&operation=ListImages&tag=", world))
	id, told := next()
	for told.Played == nil {
		id, told = next()
	}
	require.Equal(t, fmt.Sprintf("%d-1", world), id)
	require.Contains(t, *told.Played, "No scenario")

	_, err := api.DescribeRepositories(t.Context(), nil)
	require.NoError(t, err)
	_, err = api.ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String("team/app")})
	require.NoError(t, err)
	for told.New == 0 {
		id, told = next()
	}
	require.Equal(t, fmt.Sprintf("%d-3", world), id)
	require.Contains(t, told.Calls, `id="call-3"`)
	require.NotContains(t, told.Calls, "DescribeRepositories")

	// A browser that was away for a while is told what it missed, and of a new world
	// that it is one.
	_, missed := events(t, base, "after=1-1", "Last-Event-ID", fmt.Sprintf("%d-2", world))()
	require.Equal(t, 1, missed.New)
	post(t, base+prefix+"reset", "", http.StatusNoContent)
	for !told.Reset {
		id, told = next()
	}
	require.Equal(t, fmt.Sprintf("%d-1", world+1), id)
	_, missed = events(t, base, "after=1-1", "Last-Event-ID", fmt.Sprintf("%d-9", world))()
	require.True(t, missed.Reset)

	// So is a page that knew a program before this one.
	_, missed = events(t, base, "after=1-1")()
	require.True(t, missed.Reset)

	for _, query := range []string{"", "after=1", "after=1-1&operation=PutImages"} {
		status, _ := ask(t, "GET", base+prefix+"events?"+query, "")
		require.Equal(t, http.StatusBadRequest, status, query)
	}
	begun := time.Now()
	require.NoError(t, stop(), "a page that is open does not hold up the end")
	require.Less(t, time.Since(begun), grace)
}

// TestPageIsToldWhatIsHeld: a call that waits is in no trace yet.
func TestPageIsToldWhatIsHeld(t *testing.T) {
	base, _ := start(t, "-region", "eu-west-1", "-repository", "team/app")
	next := events(t, base, fmt.Sprintf("after=%d-1", worldOf(t, base)))
	ask(t, "POST", base+prefix+"scenario", `{"rules":[{"on":"ListImages","do":{"hold":true}}]}`)
	go client(base).ListImages(t.Context(), &ecr.ListImagesInput{RepositoryName: aws.String("team/app")})
	for {
		if _, told := next(); told.Played != nil && strings.Contains(*told.Played, "holds 1") {
			break
		}
	}
	ask(t, "POST", base+prefix+"scenario/1/release", "")
}

// The calls about a repository or an image are those of its registry.
func TestPageLeadsToTheCallsOfOneRegistry(t *testing.T) {
	base, _ := start(t, "-region", "eu-west-1", "-repository", "team/app")
	image := fakeecr.RandomImage(1, 100)
	push(t, client(base), "team/app", "v1", image)
	const registry = "&amp;account=123456789012&amp;region=eu-west-1"
	page := shown(t, base, "repository?account=123456789012&region=eu-west-1&name=team/app")
	require.Contains(t, page, `href="./?repository=team%2fapp`+registry+`">Calls about it`)
	page = shown(t, base, "image?account=123456789012&region=eu-west-1&repository=team/app&digest="+image.Digest())
	require.Contains(t, page, `href="./?digest=`+strings.Replace(image.Digest(), ":", "%3a", 1)+registry+`">Calls about it`)
	calls := shown(t, base, "?repository=team/app&account=123456789012&region=eu-west-1")
	require.Contains(t, calls, "InitiateLayerUpload")
	require.NotContains(t, shown(t, base, "?repository=team/app&account=123456789012&region=us-east-1"), `<span class="operation">`)
}
