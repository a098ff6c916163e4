#include <gtest/gtest.h>

#include "agent/base/labels.h"
#include "agent/base/result.h"
#include "agent/base/subject.h"
#include "agent/base/url.h"

namespace medic {
namespace {

Result<int> half(int value) {
    if (value % 2 != 0) return fail(ErrorCode::invalid, "{} is odd", value);
    return value / 2;
}

Result<int> quarter(int value) {
    MEDIC_TRY(const int halved, half(value));
    MEDIC_TRY(const int result, half(halved));
    return result;
}

TEST(Result, try_unwraps_values_and_passes_errors_on) {
    EXPECT_EQ(quarter(12).value(), 3);
    EXPECT_EQ(quarter(6).error().message, "3 is odd");
    EXPECT_EQ(wrap(quarter(6).error(), "quarter").error().message, "quarter: 3 is odd");
}

TEST(Url, keeps_only_what_means_nothing_in_it) {
    EXPECT_EQ(url_encode("in-out_1.~"), "in-out_1.~");
    EXPECT_EQ(url_encode("a b/c%?\xC3\xA9"), "a%20b%2Fc%25%3F%C3%A9");
    EXPECT_EQ(url_encode(""), "");
}

TEST(Labels, are_sorted_unique_and_without_empty_values) {
    const Labels labels("up", {{"z", "1"}, {"a", "x\"y"}, {"z", "2"}, {"empty", ""}});
    EXPECT_EQ(labels.name(), "up");
    EXPECT_EQ(labels.get("z"), "2");
    EXPECT_EQ(labels.get("empty"), "");
    EXPECT_EQ(labels.to_string(), R"(up{a="x\"y",z="2"})");
}

TEST(Subject, is_read_back_from_its_text) {
    const Subject log_dir{"lab", "log-dir", "2:/data/kafka"};
    EXPECT_EQ(subject_of(to_string(log_dir)), log_dir);
    EXPECT_EQ(subject_of("job/fleet"), (Subject{"", "job", "fleet"}));
    for (const char* none : {"", "lab:", "lab:job", "lab:job/", "lab:/fleet", ":"})
        EXPECT_EQ(subject_of(none), Subject{}) << none;
}

TEST(Subject, reads_the_rule_annotation) {
    EXPECT_EQ(parse_subject("lab", "job/a/b"), (Subject{"lab", "job", "a/b"}));
    EXPECT_EQ(parse_subject("lab", "job/"), Subject{});
    EXPECT_EQ(to_string(Subject{"lab", "broker", "2"}), "lab:broker/2");
}

}  // namespace
}  // namespace medic
