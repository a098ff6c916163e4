// What a log longer than the limits says at its end, and at its start.
#include <gtest/gtest.h>

#include "classifiers/diagnosis/classifier.h"
#include "classifiers/diagnosis/trace/trace.h"

namespace medic {
namespace {

const Classifier& classifier() {
    static const Classifier made{Catalogue::load_embedded().value()};
    return made;
}

const std::string told = "ERROR Shutdown broker because all log dirs in /data have failed (kafka.log.LogManager)\n";

std::string calm(int lines) {
    std::string text;
    for (int i = 0; i < lines; ++i)
        text += "2026-11-28 04:12:33,123 INFO all is well, for the " + std::to_string(i) + "th time\n";
    return text;
}

TEST(LongText, TheEndTellsItsCauseHoweverMuchStandsBefore) {
    for (const int lines : {10, 2'100, 6'000}) {
        const auto said = classifier().classify_text(calm(lines) + told, Component::unknown);
        EXPECT_EQ(said.cause, "kafka.log-dir-failed") << lines << " lines before it";
        EXPECT_EQ(said.truncated, lines > 1'000);
    }
}

TEST(LongText, TheStartTellsItsCauseHoweverMuchStandsBehind) {
    const auto said = classifier().classify_text(told + calm(6'000), Component::unknown);
    EXPECT_EQ(said.cause, "kafka.log-dir-failed");
}

TEST(LongText, OfTooManyLinesTheNewestAreKeptAndFailuresBeforeTheRest) {
    const TraceLimits limits{.prose_lines_max = 4};
    const std::string text =
        "ERROR first\nINFO 1\nINFO 2\nINFO 3\nINFO 4\nINFO 5\nINFO 6\nINFO 7\nINFO 8\nINFO 9\nERROR last\n";
    const auto read = read_failures(text, {}, limits);
    EXPECT_EQ(read.prose, (std::vector<std::string_view>{"ERROR first", "INFO 8", "INFO 9", "ERROR last"}));
    EXPECT_TRUE(read.truncated);
    const std::string failing = "ERROR 1\nERROR 2\nERROR 3\nERROR 4\nERROR 5\n";
    EXPECT_EQ(read_failures(failing, {}, limits).prose.front(), "ERROR 2");
}

TEST(LongText, WithinTheLimitsAllLinesAreKeptInTheirOrder) {
    const TraceLimits limits{.prose_lines_max = 4};
    const std::string text = "INFO 1\nERROR 2\nINFO 3\nINFO 4\n";
    const auto read = read_failures(text, {}, limits);
    EXPECT_EQ(read.prose, (std::vector<std::string_view>{"INFO 1", "ERROR 2", "INFO 3", "INFO 4"}));
    EXPECT_FALSE(read.truncated);
}

}  // namespace
}  // namespace medic
