#include "agent/base/yaml.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

std::string error_of(std::string_view text) {
    const auto loaded = load_yaml(text, "f.yaml");
    return loaded ? "" : loaded.error().message;
}

TEST(Yaml, reads_typed_values_with_their_place) {
    const auto root = load_yaml("a: 1\nb: {c: [x, \"2\"], d: 1h30m}\ne: true\nf: 2.5\n", "f.yaml").value();
    EXPECT_EQ(root.get("a").as_int().value(), 1);
    EXPECT_EQ(root.get("b").get("c").as_strings().value(), (std::vector<std::string>{"x", "2"}));
    EXPECT_EQ(root.get("b").get("d").as_duration().value(), Duration{5'400'000});
    EXPECT_TRUE(root.get("e").as_bool().value());
    EXPECT_EQ(root.get("f").as_double().value(), 2.5);
    EXPECT_EQ(root.get("b").get("d").where(), "f.yaml:2:21");
    EXPECT_EQ(root.int_or("zz", 7).value(), 7);
    EXPECT_FALSE(root.get("zz"));
    EXPECT_EQ(root.key_node("e").where(), "f.yaml:3:1");
}

TEST(Yaml, says_where_and_what_was_expected) {
    const auto root = load_yaml("a: x\nb:\n  - 1\nc: \"12\"\n", "f.yaml").value();
    EXPECT_EQ(root.get("a").as_int().error().message, "f.yaml:1:4: expected a whole number, found \"x\"");
    EXPECT_EQ(root.get("b").as_string().error().message, "f.yaml:3:3: expected a text, found a list");
    EXPECT_FALSE(root.get("c").as_int());
    EXPECT_EQ(root.get("a").as_duration().error().code, ErrorCode::invalid);
    EXPECT_EQ(root.get("d").as_bool().error().message, "f.yaml:1:1: expected true or false, found nothing");
}

TEST(Yaml, refuses_unknown_keys_and_names_the_nearest) {
    const auto root = load_yaml("x: 1\nclusers: 2\n", "f.yaml").value();
    EXPECT_EQ(root.expect_keys({"x", "clusters", "notify"}).error().message,
              "f.yaml:2:1: unknown key \"clusers\": did you mean \"clusters\"?");
    EXPECT_EQ(root.expect_keys({"x", "notify"}).error().message,
              "f.yaml:2:1: unknown key \"clusers\": known keys: x, notify");
    EXPECT_TRUE(root.expect_keys({"x", "clusers"}));
}

TEST(Yaml, refuses_what_hides_meaning) {
    EXPECT_EQ(error_of("a: 1\nb: 2\na: 3\n"), "f.yaml:3:1: key \"a\" is given twice (first in line 1): keep one");
    EXPECT_NE(error_of("a: &x 1\n").find("anchors"), std::string::npos);
    EXPECT_NE(error_of("a: !!str 1\n").find("tag"), std::string::npos);
    EXPECT_NE(error_of("a: 1\n---\nb: 2\n").find("second document"), std::string::npos);
    EXPECT_NE(error_of("a: [1, 2\n").find("not valid YAML"), std::string::npos);
    EXPECT_NE(error_of("[a]: 1\n").find("key must be a word"), std::string::npos);
}

TEST(Yaml, is_bounded_in_depth_size_and_count) {
    EXPECT_NE(error_of(std::string(200, '[') + std::string(200, ']')).find("nested deeper"), std::string::npos);
    EXPECT_NE(load_yaml("a: 1", "f", {.bytes_max = 3}).error().message.find("at most 3"), std::string::npos);
    EXPECT_NE(load_yaml("[1,2,3,4]", "f", {.nodes_max = 4}).error().message.find("more than 4"), std::string::npos);
}

TEST(Yaml, reads_an_empty_document_as_an_empty_map_and_null_as_nothing) {
    EXPECT_TRUE(load_yaml("# only a comment\n", "f").value().is_map());
    const auto root = load_yaml("a:\nb: ~\nc: \"\"\n", "f").value();
    EXPECT_EQ(root.get("a").kind(), YamlNode::Kind::null);
    EXPECT_EQ(root.get("b").kind(), YamlNode::Kind::null);
    EXPECT_EQ(root.get("c").as_string().value(), "");
}

TEST(Yaml, durations_are_prometheus_durations) {
    EXPECT_EQ(parse_duration("1d12h").value(), Duration{129'600'000});
    EXPECT_EQ(parse_duration("90s").value(), Duration{90'000});
    EXPECT_EQ(parse_duration("250ms").value(), Duration{250});
    for (const char* wrong : {"", "1", "5x", "1s1m", "-5s", "1s1s", "99999999999999y"})
        EXPECT_FALSE(parse_duration(wrong)) << wrong;
    EXPECT_EQ(format_duration(Duration{90'000}), "1m30s");
    EXPECT_EQ(format_duration(Duration{0}), "0s");
    EXPECT_EQ(format_duration(Duration{8LL * 86'400'000}), "8d");
}

}  // namespace
}  // namespace medic
