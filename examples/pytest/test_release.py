import boto3
import pytest

import release


def released() -> list[dict]:
    return boto3.client("ecr").list_images(repositoryName="team/app")["imageIds"]


def test_publishes(fakeecr):
    digest = release.publish("team/app", "v1", b"the release")
    assert released() == [{"imageDigest": digest, "imageTag": "v1"}]


def test_each_test_begins_anew(fakeecr):
    assert released() == []


def test_the_repository_must_exist(fakeecr):
    ecr = boto3.client("ecr")
    with pytest.raises(ecr.exceptions.RepositoryNotFoundException, match="The repository with name 'team/other' does not exist"):
        release.publish("team/other", "v1", b"the release")


def test_throttling_is_survived(fakeecr, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the client's back-off
    fakeecr.play({"on": "PutImage", "when": {"first": 2}, "do": {"fail": {"code": "ThrottlingException", "message": "Rate exceeded"}}})
    digest = release.publish("team/app", "v1", b"the release")
    assert released() == [{"imageDigest": digest, "imageTag": "v1"}]
    assert fakeecr.count("PutImage") == 3


def test_a_lost_reply_is_no_failure(fakeecr):
    # PutImage is carried out, and the client learns nothing of it. It tries again, and the image is there.
    fakeecr.play({"on": "PutImage", "when": {"nth": 1}, "do": {"drop": True}})
    digest = release.publish("team/app", "v1", b"the release")
    assert released() == [{"imageDigest": digest, "imageTag": "v1"}]
    assert fakeecr.count("PutImage") == 2
