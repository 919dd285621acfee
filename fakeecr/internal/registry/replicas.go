package registry

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/manifest"
	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/fakeecr/internal/policy"
	"github.com/fakeecr/ecr/scenarios"
)

// replicationLag is the time from a push to the arrival of its replicas. ECR
// says that most take less than 30 minutes.
const replicationLag = 5 * time.Second

// replica is what an image's record knows of its copy in another registry.
type replica struct {
	Place
	status  types.ReplicationStatus
	failure string
	// awaited are the numbers of the replications that are on their way: of the
	// image with one tag and with another, say.
	awaited []uint64
}

// without is the replica when one of those that it awaits is there.
func (r replica) without(number uint64) replica {
	r.awaited = slices.DeleteFunc(slices.Clone(r.awaited), func(n uint64) bool { return n == number })
	return r
}

func (i *image) replicaIn(to Place) replica {
	for _, r := range i.replicas {
		if r.Place == to {
			return r
		}
	}
	return replica{Place: to}
}

func (i *image) withReplica(r replica) *image {
	changed := *i
	changed.replicas = slices.Clone(i.replicas)
	at := slices.IndexFunc(i.replicas, func(other replica) bool { return other.Place == r.Place })
	if at < 0 {
		changed.replicas = append(changed.replicas, r)
	} else {
		changed.replicas[at] = r
	}
	return &changed
}

// DescribeImageReplicationStatus answers one status for each registry to which
// the image, as pushed under the rules of its time, was or will be replicated.
func (tx *Tx) DescribeImageReplicationStatus(_ context.Context, in *ecr.DescribeImageReplicationStatusInput) (*ecr.DescribeImageReplicationStatusOutput, error) {
	repo, err := tx.repository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	img, err := repo.one(*in.ImageId)
	if err != nil {
		return nil, err
	}
	statuses := make([]types.ImageReplicationStatus, len(img.replicas))
	for i, r := range img.replicas {
		statuses[i] = types.ImageReplicationStatus{
			Region:      aws.String(r.Region),
			RegistryId:  aws.String(r.Account),
			Status:      r.status,
			FailureCode: optional(r.failure),
		}
	}
	return &ecr.DescribeImageReplicationStatusOutput{
		RepositoryName:      aws.String(repo.name),
		ImageId:             imageID(img.digest, in.ImageId.ImageTag),
		ReplicationStatuses: statuses,
	}, nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// replicaArrival is the arrival of a push in one other registry.
type replicaArrival struct {
	from       Place
	repository string
	image      types.ImageIdentifier
	to         Place
	// number is the replication's own.
	number uint64
}

// replicateLater makes what was pushed to a repository, which the transaction
// may change, arrive in the registries of its rules. A replica is not pushed:
// replication goes one hop.
func (tx *Tx) replicateLater(repo *repository, digest string, tag *string) {
	for _, to := range tx.registry(repo.Place).destinationsOf(repo.name, nil) {
		number := tx.Number()
		tx.Schedule(tx.Now().Add(replicationLag), replicaArrival{repo.Place, repo.name, *imageID(digest, tag), to, number})
		img, _ := repo.images.Get(digest)
		awaited := append(slices.Clip(img.replicaIn(to).awaited), number)
		repo.images.Set(repo.generation, digest, img.withReplica(replica{Place: to, status: types.ReplicationStatusInProgress, awaited: awaited}))
	}
}

// call is nil for an image that was deleted meanwhile: it does not arrive.
func (r replicaArrival) call(tx *Tx) *scenarios.Call {
	img := tx.imageOf(r.from, r.repository, *r.image.ImageDigest)
	if img == nil {
		return nil
	}
	return receipt(r.from, r.to, r.repository, types.ImageIdentifier{ImageDigest: r.image.ImageDigest, ImageTag: r.tagOf(img)})
}

// receipt is the call that the arrival of a replica is.
func receipt(from, to Place, repository string, id types.ImageIdentifier) *scenarios.Call {
	return eventCall(to, repository, scenarios.ReceiveReplica, &scenarios.ReceiveReplicaInput{
		RegistryId: aws.String(to.Account), RepositoryName: aws.String(repository),
		ImageDigest: copied(id.ImageDigest), ImageTag: copied(id.ImageTag),
		SourceRegistryId: aws.String(from.Account), SourceRegion: aws.String(from.Region),
	})
}

// tagOf is the tag that the image arrives with, if it still has it.
func (r replicaArrival) tagOf(img *image) *string {
	if tag := r.image.ImageTag; tag != nil && slices.Contains(img.tags, *tag) {
		return tag
	}
	return nil
}

// happen replicates what is still there. What is archived cannot be pulled, so its
// replication fails.
func (r replicaArrival) happen(tx *Tx) (any, error) {
	repo, img := tx.changeImageOf(r.from, r.repository, *r.image.ImageDigest)
	if img.archived {
		r.fail(tx, errReplicationArchived)
		return nil, errReplicationArchived
	}
	_, err := tx.copyImage(repo, img, r.tagOf(img), r.to)
	tx.noteReplica(repo, img, r.to, r.number, failureCode(err))
	return nil, err
}

func (r replicaArrival) fail(tx *Tx, failure error) {
	repo, img := tx.changeImageOf(r.from, r.repository, *r.image.ImageDigest)
	tx.noteReplica(repo, img, r.to, r.number, failureCode(failure))
}

// noteReplica notes on an image how the replication of a number went, 0 for that of
// a backfill, by the failure code or "" after success. While others of it are on
// their way, it stays in progress.
func (tx *Tx) noteReplica(repo *repository, img *image, to Place, number uint64, failure string) {
	noted := img.replicaIn(to).without(number)
	if len(noted.awaited) == 0 {
		noted.status, noted.failure = types.ReplicationStatusComplete, failure
		if failure != "" {
			noted.status = types.ReplicationStatusFailed
		}
	}
	repo = tx.copyForChange(repo)
	repo.images.Set(repo.generation, img.digest, img.withReplica(noted))
}

// copyImage puts an image, and the images of an index first, into the repository
// of the same name in another registry. All of it arrives or nothing does.
func (tx *Tx) copyImage(from *repository, img *image, tag *string, to Place) (ofChildren []string, err error) {
	err = tx.Attempt(func() error {
		for _, digest := range img.children {
			child, found := from.images.Get(digest)
			if !found {
				continue
			}
			if _, err := tx.copyImage(from, child, nil, to); err != nil {
				ofChildren = addCode(ofChildren, failureCode(err))
			}
		}
		if err := tx.mayReplicate(from, to); err != nil {
			return err
		}
		if err := tx.useKey(from.Place, from.encryption, decrypt); err != nil {
			return err
		}
		repo, err := tx.establish(to, from.name, types.RCTAppliedForReplication)
		if err != nil {
			return err
		}
		if err := tx.useKey(to, repo.encryption, encrypt); err != nil {
			return err
		}
		return tx.receive(repo, from, img, tag)
	})
	return ofChildren, err
}

// receive pushes a replica. A tag that is another image's and immutable stays
// there.
func (tx *Tx) receive(repo, from *repository, img *image, tag *string) error {
	if tag != nil {
		holder, taken := repo.tagged.Get(*tag)
		if taken && (holder == img.digest || repo.mutability.immutable(*tag)) {
			tag = nil
		}
	}
	switch replica, found := repo.images.Get(img.digest); {
	case found && replica.archived:
		return tx.repush(repo, replica, tag)
	case found && tag == nil:
		return nil
	case found:
		return tx.moveTag(repo, replica, *tag)
	}
	// The source has taken the manifest already, by whatever rules.
	document, err := manifest.Parse(img.manifest, img.mediaType, manifest.Spec)
	if err != nil {
		return invalidParameter("ImageManifest", err.Error())
	}
	for _, digest := range absent(&repo.layers, img.layers) {
		if l, found := from.layers.Get(digest); found {
			tx.addLayer(repo, digest, l.size, l.pieces)
		}
	}
	if err := tx.push(repo, img.digest, img.manifest, document, tag); err != nil {
		return err
	}
	tx.signOnPush(repo, img.digest, pusher{})
	return nil
}

// mayReplicate asks the policy of another account's registry, in its region and
// for the source account's root. An account needs no permission for its own.
func (tx *Tx) mayReplicate(from *repository, to Place) error {
	if from.Account == to.Account {
		return nil
	}
	reg := tx.registry(to)
	repo, found := reg.repositories.Get(from.name)
	replicate := Access{Action: "ecr:ReplicateImage", Resource: naming.RepositoryARN(to, from.name), Registry: to, Repository: from.name}
	accesses := []Access{replicate}
	if !found {
		accesses = append(accesses, reg.template(from.name, types.RCTAppliedForReplication).creation(replicate)...)
	}
	source := tx.as(Place{Account: from.Account, Region: to.Region}, naming.RootARN(naming.Partition(from.Region), from.Account))
	for _, access := range accesses {
		if reg.policy.Decide(source.request(&access, repo)) != policy.Allow {
			return errReplicationDenied
		}
	}
	return nil
}

// Why an image is not replicated. Only their codes are seen by callers; that of a
// destination that refuses is recorded.
var (
	errReplicationDenied = &smithy.GenericAPIError{
		Code: "DESTINATION_REGISTRY_ACCESS_DENIED", Message: "The policy of the destination's registry does not allow ecr:ReplicateImage.", Fault: smithy.FaultClient,
	}
	errReplicationArchived = &smithy.GenericAPIError{
		Code: string(types.ImageFailureCodeImageInaccessible), Message: "The image is archived.", Fault: smithy.FaultClient,
	}
)

// failureCode is how replication names an error, "" for none: as the exception,
// which is chosen for all but a destination that refuses.
func failureCode(err error) string {
	if err == nil {
		return ""
	}
	code := "ServerException"
	if exception := smithy.APIError(nil); errors.As(err, &exception) {
		code = exception.ErrorCode()
	}
	return strings.TrimSuffix(code, "Exception")
}

func addCode(codes []string, code string) []string {
	if slices.Contains(codes, code) {
		return codes
	}
	return append(slices.Clip(codes), code)
}
