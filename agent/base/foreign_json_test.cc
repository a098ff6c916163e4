#include "agent/base/foreign_json_internal.h"

#include <gtest/gtest.h>

#include <string>

namespace medic {
namespace {

std::string nested(std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

TEST(ForeignJson, IsReadUpToItsDepth) {
    const JsonLimits limits{.depth_max = 3};
    EXPECT_TRUE(foreign_json("[[[]]]", limits).is_array());
    EXPECT_TRUE(foreign_json("[[[[]]]]", limits).is_discarded());
    EXPECT_TRUE(foreign_json(R"({"a":{"b":{"c":1}}})", limits).is_object());
    EXPECT_TRUE(foreign_json(R"({"a":{"b":{"c":[]}}})", limits).is_discarded());
    EXPECT_TRUE(foreign_json("[[[]],[[]],[[]]]", limits).is_array()) << "what was closed counts no more";
    EXPECT_TRUE(foreign_json(nested(64)).is_array());
    EXPECT_TRUE(foreign_json(nested(65)).is_discarded());
    EXPECT_TRUE(foreign_json(nested(200'000)).is_discarded());
    EXPECT_TRUE(foreign_json(std::string(200'000, '[')).is_discarded());
}

TEST(ForeignJson, IsReadUpToItsNumberOfValues) {
    const JsonLimits limits{.values_max = 4};
    EXPECT_TRUE(foreign_json("[1,2,3]", limits).is_array());
    EXPECT_TRUE(foreign_json("[1,2,3,4]", limits).is_discarded());
    EXPECT_TRUE(foreign_json(R"({"a":[],"b":2})", limits).is_object());
    EXPECT_TRUE(foreign_json(R"({"a":[],"b":[]})", limits).is_discarded());
}

TEST(ForeignJson, TextsHoldNoBrackets) {
    const JsonLimits limits{.depth_max = 1, .values_max = 3};
    for (const char* text : {R"(["[[[{{{,,,,,,"])", R"(["\"[[,,,,"])", R"(["\\","x"])", R"({"[[,,,,":"]]"})"})
        EXPECT_FALSE(foreign_json(text, limits).is_discarded()) << text;
    // Behind a text that ends in a backslash of its own, brackets count again.
    EXPECT_TRUE(foreign_json(R"(["\\",[]])", limits).is_discarded());
}

TEST(ForeignJson, WhatIsNoJsonIsDiscarded) {
    for (const char* text : {"", "<html>", "[", "]", "}}}}", "\"", "\"\\", "[1,]", R"({"a":})", "[\"a\n\"]"})
        EXPECT_TRUE(foreign_json(text).is_discarded()) << text;
    EXPECT_EQ(foreign_json(" 7 "), 7);
}

TEST(ForeignJson, TheLimitThatWasReachedIsNamed) {
    EXPECT_TRUE(within_json_limits("[1]"));
    EXPECT_EQ(within_json_limits(nested(65)).error().message, "JSON nested deeper than 64 levels is not read");
    EXPECT_EQ(within_json_limits("[1,2]", {.values_max = 2}).error().message, "JSON of more than 2 values is not read");
    EXPECT_EQ(within_json_limits("[1,2]", {.values_max = 2}).error().code, ErrorCode::invalid);
}

TEST(ForeignJson, AMemberIsFoundWhereThereIsOne) {
    const auto object = foreign_json(R"({"a":1,"b":null})");
    ASSERT_NE(json_member(object, "a"), nullptr);
    EXPECT_EQ(*json_member(object, "a"), 1);
    ASSERT_NE(json_member(object, "b"), nullptr);
    EXPECT_EQ(json_member(object, "c"), nullptr);
    for (const char* other : {"[1]", "7", "no JSON"}) EXPECT_EQ(json_member(foreign_json(other), "a"), nullptr);
}

TEST(ForeignJson, WhoGoesOnIntoAPartThatIsMissingFindsNothing) {
    const auto object = foreign_json(R"({"a":{"b":"x","c":1,"d":null}})");
    EXPECT_EQ(json_text(json_part(object, "a"), "b"), "x");
    EXPECT_EQ(json_text(json_part(object, "a"), "c"), "") << "no text";
    EXPECT_EQ(json_text(json_part(object, "a"), "d"), "");
    EXPECT_TRUE(json_part(json_part(object, "z"), "b").is_null());
    EXPECT_EQ(json_text(foreign_json("no JSON"), "b"), "");
}

// The subtasks of one vertex of Flink with their metrics, and the list of Connect with settings and states.
TEST(ForeignJson, TheBiggestHonestAnswersAreRead) {
    std::string subtasks, connectors;
    for (int i = 0; i < 10'000; ++i)
        subtasks +=
            std::string(i == 0 ? "" : ",") + R"({"subtask":1,"status":"RUNNING","attempt":0,"host":"h","metrics":{)" +
            R"("read-bytes":1,"read-bytes-complete":true,"write-bytes":1,"write-bytes-complete":true,)" +
            R"("read-records":1,"read-records-complete":true,"write-records":1,"write-records-complete":true,)" +
            R"("accumulated-busy-time":1.0}})";
    EXPECT_TRUE(foreign_json(R"({"subtasks":[)" + subtasks + "]}").is_object());
    std::string settings, tasks;
    for (int i = 0; i < 100; ++i) {
        settings += (i == 0 ? "" : ",") + ("\"setting." + std::to_string(i) + "\":\"x\"");
        tasks += (i == 0 ? "" : ",") + (R"({"id":)" + std::to_string(i) + R"(,"state":"RUNNING","worker_id":"w"})");
    }
    for (int i = 0; i < 1'000; ++i)
        connectors += (i == 0 ? "" : ",") + ("\"c" + std::to_string(i) + R"(":{"info":{"config":{)" + settings +
                                             R"(}},"status":{"tasks":[)" + tasks + "]}}");
    EXPECT_TRUE(within_json_limits("{" + connectors + "}"));
}

}  // namespace
}  // namespace medic
