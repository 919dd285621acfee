package fakeecr_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fakeecr/ecr/fakeecr"
)

// The object of a user's package, whatever it calls, has nothing of how the state is
// kept: the compiler would compile that again in each such package, at each edit.
func TestUsersDoNotCompileTheState(t *testing.T) {
	object := compiled(t, user())
	out, err := exec.Command("go", "tool", "nm", object).Output()
	require.NoError(t, err)
	symbols := string(out)
	require.Contains(t, symbols, "fakeecr.(*Registry).MustPush", "what the package calls is there")
	require.Empty(t, regexp.MustCompile(`.*(tidwall/btree\.|fakeecr/internal/(cow|engine)\.).*`).FindAllString(symbols, 5),
		"a public type, or a function that is inlined, leads to the state: see instanceOf")
}

// user is a package that calls all functions of options, and all methods.
func user() string {
	var calls strings.Builder
	imports := map[string]bool{"github.com/fakeecr/ecr/fakeecr": true}
	for i, shape := range []reflect.Type{
		reflect.TypeFor[*fakeecr.Registry](), reflect.TypeFor[*fakeecr.Server](), reflect.TypeFor[*fakeecr.Playing](),
		reflect.TypeFor[fakeecr.Snapshot](), reflect.TypeFor[fakeecr.ScannedBlob](), reflect.TypeFor[fakeecr.UpstreamRegistry](),
	} {
		for j := range shape.NumMethod() {
			method := shape.Method(j)
			writeCall(&calls, imports, fmt.Sprintf("Method%d_%d", i, j), "v."+method.Name, method.Type)
		}
	}
	for i, f := range []any{
		fakeecr.New, fakeecr.NewServer, fakeecr.RandomImage, fakeecr.RandomIndex, fakeecr.Referrer,
		fakeecr.WithAccount, fakeecr.WithEnhancedScanner, fakeecr.WithFullTrace, fakeecr.WithKMSKey, fakeecr.WithOpenRegistry,
		fakeecr.WithPrincipals, fakeecr.WithProxy, fakeecr.WithQuota, fakeecr.WithReachableURIs, fakeecr.WithRegion, fakeecr.WithScanner,
		fakeecr.WithScenario, fakeecr.WithSecret, fakeecr.WithSeed, fakeecr.WithSigV4, fakeecr.WithSpecRegistry, fakeecr.WithTLS,
		fakeecr.WithUpstream,
	} {
		writeCall(&calls, imports, fmt.Sprintf("Function%d", i), "fakeecr."+nameOf(f), reflect.TypeOf(f))
	}
	var text strings.Builder
	text.WriteString("package user\n")
	for path := range imports {
		fmt.Fprintf(&text, "import %q\n", path)
	}
	return text.String() + calls.String()
}

// writeCall writes a function that passes its parameters on, the first as v.
func writeCall(to *strings.Builder, imports map[string]bool, name, called string, shape reflect.Type) {
	var parameters, arguments []string
	for i := range shape.NumIn() {
		in, parameter := shape.In(i), fmt.Sprintf("p%d", i)
		importAll(imports, in)
		if i == 0 && strings.HasPrefix(called, "v.") {
			parameters = append(parameters, "v "+in.String())
			continue
		}
		kind := in.String()
		if shape.IsVariadic() && i == shape.NumIn()-1 {
			kind, parameter = "..."+in.Elem().String(), parameter+"..."
		}
		parameters = append(parameters, fmt.Sprintf("p%d %s", i, kind))
		arguments = append(arguments, parameter)
	}
	fmt.Fprintf(to, "func %s(%s) { %s(%s) }\n", name, strings.Join(parameters, ", "), called, strings.Join(arguments, ", "))
}

// importAll imports what a type is written with.
func importAll(imports map[string]bool, shape reflect.Type) {
	switch {
	case shape.PkgPath() != "":
		imports[shape.PkgPath()] = true
	case shape.Kind() == reflect.Pointer || shape.Kind() == reflect.Slice:
		importAll(imports, shape.Elem())
	case shape.Kind() == reflect.Func:
		for i := range shape.NumIn() {
			importAll(imports, shape.In(i))
		}
		for i := range shape.NumOut() {
			importAll(imports, shape.Out(i))
		}
	}
}

// compiled is the object of a package that a module which requires this one has.
func compiled(t *testing.T, source string) (object string) {
	file := filepath.Join(t.TempDir(), "user.go")
	require.NoError(t, os.WriteFile(file, []byte(source), 0o600))
	here, err := os.Getwd()
	require.NoError(t, err)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "testdata/user/user.go"): file}})
	require.NoError(t, err)
	replaced := filepath.Join(t.TempDir(), "overlay.json")
	require.NoError(t, os.WriteFile(replaced, overlay, 0o600))
	list := exec.Command("go", "list", "-overlay", replaced, "-export", "-f", "{{.Export}}", "./testdata/user")
	var problems strings.Builder
	list.Stderr = &problems
	out, err := list.Output()
	require.NoError(t, err, "%s\n%s", &problems, source)
	return strings.TrimSpace(string(out))
}

// nameOf is the name of a function of a package.
func nameOf(f any) string {
	name := runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name()
	return name[strings.LastIndex(name, ".")+1:]
}
