#include "engine/connect/config_store.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/connect/test_support_internal.h"

namespace medic::engine::connect {
namespace {

using testing::IsEmpty;

TEST(ConfigStore, KeepsConnectorsAndOffsets) {
    const TemporaryFolder folder;
    const std::string data = folder / "";
    EXPECT_THAT(*load_connectors(data), IsEmpty());
    EXPECT_EQ(*load_source_offset(data, {"a/b", 0}), std::nullopt);
    ASSERT_TRUE(save_connectors(data, {{"a/b", {{{"topic", "t"}}, State::paused}}}));
    ASSERT_TRUE(save_source_offset(data, {"a/b", 0}, {R"({"p":1})", R"({"o":2})"}));
    const auto connectors = load_connectors(data);
    ASSERT_TRUE(connectors);
    EXPECT_EQ(connectors->at("a/b").target, State::paused);
    EXPECT_EQ(connectors->at("a/b").config.at("topic"), "t");
    EXPECT_EQ((*load_source_offset(data, {"a/b", 0}))->offset_json, R"({"o":2})");
    std::ofstream(folder / "connectors.json") << "{";
    EXPECT_EQ(load_connectors(data).error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace medic::engine::connect
