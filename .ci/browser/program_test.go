// Package browser holds tests of the program's page in a real browser. They are in a
// module of their own because what drives the browser is no business of those who
// use the fake.
package browser

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// binary is the program, built once.
var binary string

func TestMain(m *testing.M) {
	directory, err := os.MkdirTemp("", "")
	if err == nil {
		binary = filepath.Join(directory, "fakeecr")
		build := exec.Command("go", "build", "-o", binary, "./fakeecr/cmd/fakeecr")
		build.Dir, build.Stderr = "../..", os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(directory)
	os.Exit(code)
}

// program is the fake as a process of its own.
type program struct {
	t *testing.T
	// url is the API's, page the page's.
	url, page string
}

func start(t *testing.T, args ...string) program {
	t.Helper()
	command := exec.CommandContext(t.Context(), binary, append([]string{"-addr", "127.0.0.1:0", "-seed", "7"}, args...)...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 10 * time.Second
	output, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	t.Cleanup(func() { command.Wait() }) // the test's context has ended
	lines := bufio.NewScanner(output)
	p := program{t: t}
	for _, line := range []struct {
		begins string
		url    *string
	}{{"fakeecr listening on ", &p.url}, {"fakeecr shows its world at ", &p.page}} {
		if !lines.Scan() || !strings.HasPrefix(lines.Text(), line.begins) {
			t.Fatalf("a line is %q and does not begin with %q", lines.Text(), line.begins)
		}
		*line.url = strings.TrimPrefix(lines.Text(), line.begins)
	}
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// call sends a request of the API and answers its status and its output.
func (p program) call(operation string, input any) (int, map[string]any) {
	p.t.Helper()
	body, err := json.Marshal(input)
	must(p.t, err)
	req, err := http.NewRequest(http.MethodPost, p.url, strings.NewReader(string(body)))
	must(p.t, err)
	req.Header.Set("X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921."+operation)
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	response, err := http.DefaultClient.Do(req)
	must(p.t, err)
	defer response.Body.Close()
	var output map[string]any
	must(p.t, json.NewDecoder(response.Body).Decode(&output))
	return response.StatusCode, output
}

type members map[string]any

func digest(content []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(content)) }

// layer uploads a layer and answers its descriptor.
func (p program) layer(repository, mediaType string, content []byte) members {
	p.t.Helper()
	_, begun := p.call("InitiateLayerUpload", members{"repositoryName": repository})
	p.call("UploadLayerPart", members{
		"repositoryName": repository, "uploadId": begun["uploadId"], "layerPartBlob": base64.StdEncoding.EncodeToString(content),
		"partFirstByte": 0, "partLastByte": len(content) - 1,
	})
	p.call("CompleteLayerUpload", members{"repositoryName": repository, "uploadId": begun["uploadId"], "layerDigests": []string{digest(content)}})
	return members{"mediaType": mediaType, "digest": digest(content), "size": len(content)}
}

// image puts an image with a config and a layer of some bytes and answers its
// manifest.
func (p program) image(repository, tag string, bytes int, extra members) string {
	p.t.Helper()
	config := p.layer(repository, "application/vnd.oci.image.config.v1+json", []byte(`{"architecture":"amd64","os":"linux"}`))
	content := p.layer(repository, "application/vnd.oci.image.layer.v1.tar", []byte(strings.Repeat(tag+".", bytes/(len(tag)+1))))
	return p.put(repository, tag, config, content, extra)
}

func (p program) put(repository, tag string, config, layer, extra members) string {
	p.t.Helper()
	manifest := members{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": config, "layers": []members{layer},
	}
	for name, value := range extra {
		manifest[name] = value
	}
	text, err := json.Marshal(manifest)
	must(p.t, err)
	input := members{"repositoryName": repository, "imageManifest": string(text)}
	if tag != "" {
		input["imageTag"] = tag
	}
	if status, output := p.call("PutImage", input); status != http.StatusOK {
		p.t.Fatalf("put %s:%s: %v", repository, tag, output)
	}
	return string(text)
}

// open is a browser that begins with nothing, of a size in pixels; the test is
// skipped where there is none.
func open(t *testing.T, width, height int, flags ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("there is no chromium here to show the page in")
	}
	options := append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(width, height),
		chromedp.Headless, chromedp.NoSandbox, chromedp.Flag("disable-gpu", true), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	}, flags...)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	must(t, chromedp.Do(ctx))
	return ctx
}

type (
	css    = chromedp.CSS
	action = chromedp.Action[chromedp.Void]
)

// patience is how long an action may take.
const patience = 20 * time.Second

// run carries out actions, each of which waits for what it needs.
func run(t *testing.T, ctx context.Context, actions ...action) {
	t.Helper()
	for i, action := range actions {
		ask(t, ctx, fmt.Sprintf("action %d of %d", i+1, len(actions)), action)
	}
}

// ask carries out an action and answers its value.
func ask[T any](t *testing.T, ctx context.Context, what string, action chromedp.Action[T]) T {
	t.Helper()
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	value, err := chromedp.Run(within, action)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return value
}

// shows holds that an expression of JavaScript is true before long, on this page or
// on one that the browser is on its way to.
func shows(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		_, err := chromedp.Run(within, chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingInterval(5*time.Millisecond)))
		if err == nil {
			return
		}
		if within.Err() != nil {
			t.Fatalf("%s: %v", expression, err)
		}
	}
}

// command is a command of the browser's protocol as an action.
func command[P, R any](c cdp.Command[P, R], params P) action {
	return func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
		_, err = cdp.Call(ctx, target, c, params)
		return none, err
	}
}

// visible waits until what a selector finds can be seen. The browser looks itself:
// the page changes while it waits.
func visible(selector string) action {
	return chromedp.Poll[chromedp.Void](fmt.Sprintf("!!document.querySelector(%q)?.checkVisibility()", selector), chromedp.WithPollingInterval(5*time.Millisecond))
}

// loading waits for the page that an action leads to.
func loading(a action) action {
	wait := chromedp.WaitEvent(page.LoadEventFired, nil, a)
	return func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
		_, err = wait(ctx, target)
		return none, err
	}
}

// picture leaves a screenshot among the test's artifacts.
func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	image := ask(t, ctx, "the picture of "+name, chromedp.FullScreenshot(100))
	must(t, os.WriteFile(filepath.Join(t.ArtifactDir(), name+".png"), image, 0o644))
}
