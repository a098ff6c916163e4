#include "agent/daemon/artifact_hashes.h"

#include <gtest/gtest.h>

#include <fstream>

#include "agent/base/test_folder_internal.h"
#include "agent/store/fact.h"

namespace medic {
namespace {

TEST(ArtifactHashes, a_file_is_known_by_what_it_holds_and_read_again_when_it_changes) {
    const TestFolder folder;
    const std::string path = (folder.path / "job.jar").string();
    std::ofstream(path) << "abc";
    ArtifactHashes hashes;
    // FIPS 180-2, appendix B.1: the digest of "abc".
    EXPECT_EQ(hashes.of(path), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hashes.of(path), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    std::ofstream(path) << "abcd";
    EXPECT_EQ(hashes.of(path), "sha256:88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589");
}

TEST(ArtifactHashes, what_is_not_there_is_another_thing_than_what_can_not_be_read) {
    const TestFolder folder;
    ArtifactHashes hashes;
    EXPECT_EQ(hashes.of((folder.path / "job.jar").string()), no_artifact);
    EXPECT_EQ(hashes.of(folder.path.string()), "") << "a folder";
}

}  // namespace
}  // namespace medic
