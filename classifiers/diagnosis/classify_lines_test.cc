// What `medic classify` takes as a line, and what it refuses without losing the lines behind it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "classifiers/diagnosis/classifier.h"

namespace medic {
namespace {

using testing::HasSubstr;

const Classifier& classifier() {
    static const Classifier made{Catalogue::load_embedded().value()};
    return made;
}

TEST(ClassifyLines, AnswersEveryLineInOrderAndRefusesWhatItCannotRead) {
    std::istringstream in(
        "{\"id\":\"a\",\"component\":\"flink\",\"text\":\"java.lang.NullPointerException\\n\\tat "
        "com.acme.A.map(A.java:1)\\n\"}\n"
        "not json\n"
        "{\"id\":7,\"text\":\"nothing\"}\n");
    std::ostringstream out;
    const auto unreadable = classify_lines(classifier(), in, out);
    ASSERT_TRUE(unreadable.has_value());
    EXPECT_EQ(*unreadable, 1U);
    std::istringstream lines(out.str());
    std::string line;
    std::getline(lines, line);
    EXPECT_THAT(
        line,
        HasSubstr(
            "\"id\":\"a\",\"side\":\"user\",\"cause\":\"flink.null-dereference\",\"cause_group\":\"user-code-npe\""));
    std::getline(lines, line);
    EXPECT_THAT(line, HasSubstr("\"error\""));
    std::getline(lines, line);
    EXPECT_THAT(line, HasSubstr("\"id\":7,\"side\":\"unknown\""));
}

TEST(ClassifyLines, RefusesALineThatIsNestedEndlessly) {
    constexpr std::size_t levels = 200'000;
    std::istringstream in("{\"text\":\"x\",\"id\":" + std::string(levels, '[') + std::string(levels, ']') + "}\n");
    std::ostringstream out;
    EXPECT_EQ(classify_lines(classifier(), in, out).value(), 1U);
    EXPECT_THAT(out.str(), HasSubstr("nested deeper"));
}

TEST(ClassifyLines, TakesNamesAsIdsOnlyAndGoesOnBehindOthers) {
    std::istringstream in(
        "{\"text\":\"x\",\"id\":[[7]]}\n{\"id\":{\"a\":1}}\n{\"text\":\"x\",\"id\":true}\n"
        "{\"id\":\"good\",\"text\":\"nothing\"}\n");
    std::ostringstream out;
    EXPECT_EQ(classify_lines(classifier(), in, out).value(), 3U);
    EXPECT_THAT(out.str(), HasSubstr("expected a string or a number as `id`"));
    EXPECT_EQ(out.str().find("[[7]]"), std::string::npos);
    EXPECT_THAT(out.str(), HasSubstr("\"id\":\"good\",\"side\":\"unknown\""));
}

}  // namespace
}  // namespace medic
