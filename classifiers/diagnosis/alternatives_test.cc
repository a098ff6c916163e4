#include "classifiers/diagnosis/alternatives_internal.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include "classifiers/diagnosis/catalogue.h"
#include "classifiers/diagnosis/line_patterns_internal.h"

namespace medic {
namespace {

using Pieces = std::vector<std::string>;

TEST(Alternatives, AreCutAtTheOutermostBars) {
    EXPECT_EQ(alternatives_of("a|b.*c|d"), (Pieces{"a", "b.*c", "d"}));
    EXPECT_EQ(alternatives_of("^a$"), Pieces{"^a$"});
    EXPECT_EQ(alternatives_of("a||b"), (Pieces{"a", "", "b"}));
    EXPECT_EQ(alternatives_of(""), Pieces{""});
}

TEST(Alternatives, NotWhereABarIsNone) {
    EXPECT_EQ(alternatives_of("x(?:a|b(c|d))y|z"), (Pieces{"x(?:a|b(c|d))y", "z"}));
    EXPECT_EQ(alternatives_of("a\\|b|c\\\\|d"), (Pieces{"a\\|b", "c\\\\", "d"}));
    EXPECT_EQ(alternatives_of("[a|b]|[]|]|[^]|]|[\\]|]|[[:alpha:]|]"),
              (Pieces{"[a|b]", "[]|]", "[^]|]", "[\\]|]", "[[:alpha:]|]"}));
    EXPECT_EQ(alternatives_of("\\[a|b\\]"), (Pieces{"\\[a", "b\\]"}));
    EXPECT_EQ(alternatives_of("\\Qa|b\\E|c"), Pieces{"\\Qa|b\\E|c"});
}

TEST(Alternatives, CarryFlagsAsFarAsTheyReach) {
    EXPECT_EQ(alternatives_of("(?i)a|b"), (Pieces{"(?i)a", "(?i)b"}));
    EXPECT_EQ(alternatives_of("a|x(?i)b|c|(?s)d|e"), (Pieces{"a", "x(?i)b", "(?i)c", "(?i)(?s)d", "(?i)(?s)e"}));
    EXPECT_EQ(alternatives_of("(?i:a|b)|c"), (Pieces{"(?i:a|b)", "c"}));
    EXPECT_EQ(alternatives_of("(?:(?i)a|b)|c"), (Pieces{"(?:(?i)a|b)", "c"}));
}

TEST(Alternatives, OfABrokenExpressionOneIsBroken) {
    for (const std::string_view pattern : {"a|b)", "(a|b", "a|*b", "[a|b", "a|b\\", "a|(?i"}) {
        bool broken = false;
        for (const auto& piece : alternatives_of(pattern))
            broken = broken || !re2::RE2{piece, signature_options()}.ok();
        EXPECT_TRUE(broken) << pattern;
    }
}

// What the catalogue is shown with, under each of its patterns: whole, and by its pieces.
TEST(Alternatives, OfTheCatalogueHoldWhereTheWholeHolds) {
    const Catalogue catalogue = Catalogue::load_embedded().value();
    std::vector<std::string_view> lines;
    for (const auto& cause : catalogue.causes())
        for (const auto& one : cause.cases)
            if (const auto line = std::string_view{one.text}.substr(0, one.text.find('\n')); lines.size() < 200)
                lines.push_back(line);
    LinePatterns set;
    std::vector<std::unique_ptr<re2::RE2>> whole;
    for (const auto& signature : catalogue.signatures()) {
        ASSERT_TRUE(set.add(pattern_of(signature)));
        whole.push_back(std::make_unique<re2::RE2>(pattern_of(signature), signature_options()));
    }
    set.compile();
    for (const auto line : lines) {
        std::vector<bool> matched(whole.size(), false);
        set.match(line, matched);
        for (std::size_t at = 0; at < whole.size(); ++at)
            ASSERT_EQ(matched[at], re2::RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), *whole[at]))
                << catalogue.signatures()[at].id << " in " << line;
    }
}

}  // namespace
}  // namespace medic
