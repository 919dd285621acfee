package scenarios

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

// Groups of operations, for [On] and [Rule.Or].
const (
	// Any is every call: all operations, [GetEndpoint], [DownloadLayer], [MountLayer],
	// [GetLayerUpload], [CancelLayerUpload] and [DeleteLayer]. What the world does by
	// itself is not among them, nor what is asked of other services, [Identity].
	Any = "*"
	// Reads are the operations that change nothing, and Writes the others.
	Reads  = "reads"
	Writes = "writes"
	// Layers is what moves layers: uploads, checks and downloads.
	Layers = "layers"
	// Images is what puts, gets, lists and deletes images.
	Images = "images"
	// World is what the world does by itself: scans and previews that end, runs of
	// lifecycle policies, replicas that arrive, images that come back from the
	// archive, signatures, looks at an upstream registry. On these a rule may have
	// Delay, Hold, Fail, Sequence, Ask and Then, with any condition and turn.
	World = "world"
	// Identity is what code asks of other services of AWS before it calls ECR, and is
	// answered here: [GetCallerIdentity], [AssumeRole] and [AssumeRoleWithWebIdentity] of
	// STS, [GetPublicAuthorizationToken] of ECR Public. It is in no other group.
	Identity = "identity"
)

// apiOperations are the names of the API's operations, in order: the client's
// methods that take an input.
var apiOperations = sync.OnceValue(func() (names []string) {
	client := reflect.TypeFor[*ecr.Client]()
	for i := range client.NumMethod() {
		method := client.Method(i)
		if method.Type.IsVariadic() && method.Type.NumIn() == 4 {
			names = append(names, method.Name)
		}
	}
	return names
})

// paged are the operations that answer a page of a list.
func paged() (names []string) {
	client := reflect.TypeFor[*ecr.Client]()
	for _, name := range apiOperations() {
		method, _ := client.MethodByName(name)
		if _, is := method.Type.In(2).Elem().FieldByName("MaxResults"); is {
			names = append(names, name)
		}
	}
	return names
}

// readPrefixes begin the names of operations that change nothing.
var readPrefixes = []string{"BatchCheck", "BatchGet", "Describe", "Download", "Get", "List", "Validate"}

func isRead(operation string) bool {
	return slices.ContainsFunc(readPrefixes, func(prefix string) bool { return strings.HasPrefix(operation, prefix) })
}

var groups = sync.OnceValue(func() map[string][]string {
	g := map[string][]string{
		Any: append(slices.Clone(apiOperations()), GetEndpoint, DownloadLayer, MountLayer, GetLayerUpload, CancelLayerUpload, DeleteLayer),
		Layers: {
			"BatchCheckLayerAvailability", "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "GetDownloadUrlForLayer",
			DownloadLayer, MountLayer, GetLayerUpload, CancelLayerUpload, DeleteLayer,
		},
		Images: {"PutImage", "BatchGetImage", "BatchDeleteImage", "DescribeImages", "ListImages", "ListImageReferrers", "UpdateImageStorageClass"},
		World: {
			CompleteScan, CompleteLifecyclePolicyPreview, RunLifecyclePolicy, ReceiveReplica,
			ActivateImage, SignImage, PullFromUpstream,
		},
		Identity: {GetCallerIdentity, AssumeRole, AssumeRoleWithWebIdentity, GetPublicAuthorizationToken},
	}
	for _, name := range g[Any] {
		if isRead(name) {
			g[Reads] = append(g[Reads], name)
		} else {
			g[Writes] = append(g[Writes], name)
		}
	}
	return g
})

// Operations is what a name stands for: the operations of a group, or the
// operation itself; nothing if ECR has no operation of this name.
func Operations(name string) []string {
	if group, found := groups()[name]; found {
		return slices.Clone(group)
	}
	if slices.Contains(known(), name) {
		return []string{name}
	}
	return nil
}

// calls are the operations that somebody calls, of ECR and of [Identity].
func calls() []string { return slices.Concat(groups()[Any], groups()[Identity]) }

// known are the names of all operations.
func known() []string { return slices.Concat(calls(), groups()[World]) }

// Groups are the names of the groups of operations, in order.
func Groups() []string { return slices.Sorted(maps.Keys(groups())) }
