#include "agent/config/drills.h"

#include <gtest/gtest.h>

#include "agent/base/test_folder_internal.h"
#include "agent/config/config.h"

namespace medic {
namespace {

std::string config_with(const std::string& line) {
    return "schema: 1\ndata_dir: data\nclusters:\n  staging:\n    kafka: {bootstrap: [\"k:9092\"]}\n" + line;
}

TEST(DrillsConfig, drills_are_allowed_only_where_it_is_written) {
    const TestFolder folder;
    const std::string path = folder.write("medic.yaml", config_with("    drills: allowed\n"));
    EXPECT_TRUE(load_config_file(path));
    const auto allowed = load_drills_config(path, "staging");
    ASSERT_TRUE(allowed) << allowed.error().message;
    EXPECT_TRUE(allowed->allowed);
    EXPECT_TRUE(allowed->where.ends_with("medic.yaml:6:13")) << allowed->where;

    folder.write("medic.yaml", config_with("    drills: refused\n"));
    EXPECT_FALSE(load_drills_config(path, "staging")->allowed);
    folder.write("medic.yaml", config_with(""));
    const auto missing = load_drills_config(path, "staging");
    EXPECT_FALSE(missing->allowed);
    EXPECT_TRUE(missing->where.ends_with("medic.yaml:4:3")) << missing->where;
}

TEST(DrillsConfig, what_is_misspelt_is_refused_and_allows_nothing) {
    const TestFolder folder;
    const std::string path = folder.write("medic.yaml", config_with("    drills: true\n"));
    const auto loaded = load_config_file(path);
    ASSERT_FALSE(loaded);
    EXPECT_TRUE(loaded.error().message.contains("allowed")) << loaded.error().message;
    EXPECT_FALSE(load_drills_config(path, "staging")->allowed);
    EXPECT_FALSE(load_drills_config(path, "prod"));
    EXPECT_FALSE(load_drills_config((folder.path / "none.yaml").string(), "staging"));
}

}  // namespace
}  // namespace medic
