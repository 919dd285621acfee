package registry

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/fakeecr/ecr/fakeecr/internal/overlay"
)

// deletesReplicas is what a rule of PutReplicationConfiguration's input says of
// deletions, nil where it says nothing. The SDK's type cannot say it.
func (tx *Tx) deletesReplicas(rule int) *bool {
	over, ok := tx.InputOverlay.(*overlay.Replication)
	if !ok {
		return nil
	}
	if setting := over.ReplicationConfiguration.Rules[rule].DeleteReplication; setting != nil {
		return aws.Bool(*setting.Enabled)
	}
	return nil
}

// showDeletesReplicas answers what the rules say of deletions.
func (tx *Tx) showDeletesReplicas(rules []replicationRule) {
	over := &overlay.Replication{ReplicationConfiguration: &overlay.ReplicationConfiguration{Rules: make([]overlay.ReplicationRule, len(rules))}}
	for i, rule := range rules {
		if rule.deletes != nil {
			over.ReplicationConfiguration.Rules[i].DeleteReplication = &overlay.DeleteReplication{Enabled: aws.Bool(*rule.deletes)}
			tx.OutputOverlay = over
		}
	}
}

// replicaDeletion is the removal, in one other registry, of an image or of a tag that
// was removed here.
type replicaDeletion struct {
	from               Place
	repository, digest string
	// tag is nil for the image itself.
	tag *string
	to  Place
}

// deleteImage removes an image from a repository, which the transaction may
// change, and from the registries to which deletions are replicated. What is
// removed there goes no further: replication goes one hop.
func (tx *Tx) deleteImage(repo *repository, img *image) {
	repo.forget(img)
	tx.deleteLater(repo, img.digest, nil)
}

// deleteTag removes a tag from an image that keeps others, here and as
// deleteImage does.
func (tx *Tx) deleteTag(repo *repository, img *image, tag string) {
	repo.untag(img, tag)
	tx.deleteLater(repo, img.digest, &tag)
}

func (tx *Tx) deleteLater(repo *repository, digest string, tag *string) {
	deletes := func(rule *replicationRule) bool { return rule.deletes != nil && *rule.deletes }
	for _, to := range tx.registry(repo.Place).destinationsOf(repo.name, deletes) {
		tx.Schedule(tx.Now().Add(replicationLag), replicaDeletion{repo.Place, repo.name, digest, tag, to})
	}
}

// happen removes what is there by then, if the other registry lets it. An image
// that an index there holds stays.
func (d replicaDeletion) happen(tx *Tx) (any, error) {
	repo, img := tx.changeImageOf(d.to, d.repository, d.digest)
	if img == nil || tx.mayReplicate(named(d.from, d.repository), d.to) != nil {
		return nil, nil
	}
	switch {
	case d.tag == nil && len(repo.indexesOf(img)) == 0:
		repo.forget(img)
	case d.tag != nil && slices.Contains(img.tags, *d.tag):
		repo.untag(img, *d.tag)
	}
	return nil, nil
}
