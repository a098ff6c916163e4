// What `medic classify` takes as a line, and what it refuses without losing the lines behind it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "classifiers/diagnosis/classifier.h"

namespace medic {
namespace {

using testing::HasSubstr;

TEST(ClassifyLines, TakesNamesAsIdsOnlyAndGoesOnBehindOthers) {
    const Classifier classifier{Catalogue::load_embedded().value()};
    std::istringstream in(
        "{\"text\":\"x\",\"id\":[[7]]}\n{\"id\":{\"a\":1}}\n{\"text\":\"x\",\"id\":true}\n"
        "{\"id\":\"good\",\"text\":\"nothing\"}\n");
    std::ostringstream out;
    EXPECT_EQ(classify_lines(classifier, in, out).value(), 3U);
    EXPECT_THAT(out.str(), HasSubstr("expected a string or a number as `id`"));
    EXPECT_EQ(out.str().find("[[7]]"), std::string::npos);
    EXPECT_THAT(out.str(), HasSubstr("\"id\":\"good\",\"side\":\"unknown\""));
}

}  // namespace
}  // namespace medic
