// The literals of a text in one pass, held against a plain search for each; and that patterns run on what it lets
// through hold exactly where they hold by themselves.
#include "classifiers/diagnosis/literal_set_internal.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "classifiers/diagnosis/line_patterns_internal.h"

namespace medic {
namespace {

using Numbers = std::vector<int>;

Numbers found_in(const LiteralSet& set, std::string_view text) {
    Numbers found;
    set.find(text, found);
    std::ranges::sort(found);
    return found;
}

Numbers found_one_by_one(const std::vector<std::string>& literals, std::string_view text) {
    Numbers found;
    for (std::size_t number = 0; number < literals.size(); ++number)
        for (auto at = text.find(literals[number]); literals[number].size() >= LiteralSet::bytes_min && at != text.npos;
             at = text.find(literals[number], at + 1))
            found.push_back(static_cast<int>(number));
    std::ranges::sort(found);
    return found;
}

TEST(LiteralSet, FindsWhatOverlapsAndWhatLiesWithin) {
    const LiteralSet set{{"connection", "connect", "nection", "ion refused", "on", "io", "refused"}};
    EXPECT_EQ(found_in(set, "connection refused"), (Numbers{0, 1, 2, 3, 4, 4, 5, 6}));
    EXPECT_EQ(found_in(set, "connec"), Numbers{4});
    EXPECT_EQ(found_in(set, "nectio"), Numbers{5});
}

TEST(LiteralSet, FindsAtBothEndsAndNothingBeyond) {
    const LiteralSet set{{"broker", "ker", "br"}};
    EXPECT_EQ(found_in(set, "broker"), (Numbers{0, 1, 2}));
    EXPECT_EQ(found_in(set, std::string_view{"broker"}.substr(0, 5)), Numbers{2});
    EXPECT_EQ(found_in(set, std::string_view{"broker"}.substr(1)), Numbers{1});
}

TEST(LiteralSet, OfNothingNothingIsFound) {
    EXPECT_EQ(found_in(LiteralSet{}, "anything"), Numbers{});
    EXPECT_EQ(found_in(LiteralSet{std::vector<std::string>{}}, "anything"), Numbers{});
    const LiteralSet set{{"", "a", "ab", "abcd"}};
    EXPECT_EQ(found_in(set, ""), Numbers{});
    EXPECT_EQ(found_in(set, "a"), Numbers{});
    EXPECT_EQ(found_in(set, "aab"), Numbers{2});
}

TEST(LiteralSet, ALiteralGivenTwiceIsFoundTwice) {
    const LiteralSet set{{"offset", "offset"}};
    EXPECT_EQ(found_in(set, "offset"), (Numbers{0, 1}));
}

TEST(LiteralSet, ComparesBytesAsTheyAre) {
    const LiteralSet set{{"größe", "日本", std::string{"a\0b", 3}, "\xff\xfe\xfd\xfc", "topic"}};
    EXPECT_EQ(found_in(set, "die größe in 日本"), (Numbers{0, 1}));
    EXPECT_EQ(found_in(set, std::string_view{"xa\0bx\xff\xfe\xfd\xfc", 9}), (Numbers{2, 3}));
    EXPECT_EQ(found_in(set, "Topic, TOPIC, gr\xf6\xdf"), Numbers{});
}

// Few letters, so that keys are shared and literals overlap; both signs of char.
TEST(LiteralSet, FindsWhatAPlainSearchFinds) {
    std::mt19937 random{20240229};
    const auto text_of = [&random](std::size_t bytes_max) {
        constexpr std::string_view letters{"ab\xe4.", 4};
        std::string text(random() % (bytes_max + 1), ' ');
        for (char& c : text) c = letters[random() % letters.size()];
        return text;
    };
    for (int round = 0; round < 200; ++round) {
        std::vector<std::string> literals(random() % 60);
        for (auto& literal : literals) literal = text_of(1 + random() % 9);
        const LiteralSet set{literals};
        for (int i = 0; i < 10; ++i) {
            const auto text = text_of(120);
            ASSERT_EQ(found_in(set, text), found_one_by_one(literals, text)) << "round " << round << ": " << text;
        }
    }
}

const std::vector<std::string> patterns{"^first$", "refused",  "refused$",  "^Conn",           "a\\.b",
                                        "a.b",     "(?i)conn", "x|\\[\\^-", "no \\w+ in line", "caf\xc3\xa9",
                                        "^(?:)$",  "end\\.$",  "first|conn"};

TEST(LinePatterns, HoldWhereTheAutomatonHolds) {
    LinePatterns set;
    for (const auto& pattern : patterns) ASSERT_TRUE(set.add(pattern));
    set.compile();
    for (const std::string_view line :
         {"first", "first ", "a first", "Connection refused", "connection refused.", "refused", "aXb", "a.b", "x",
          "[^-", "no way in line", "caf\xc3\xa9", "CAF\xc3\x89", "", "end.", "end", "the end.", "FIRST", "Conn"}) {
        std::vector<bool> matched(patterns.size(), false);
        set.match(line, matched);
        for (std::size_t at = 0; at < patterns.size(); ++at) {
            const bool expected = re2::RE2::PartialMatch(re2::StringPiece(line.data(), line.size()),
                                                         re2::RE2{patterns[at], signature_options()});
            EXPECT_EQ(matched[at], expected) << patterns[at] << " in " << line;
            EXPECT_EQ(set.holds(static_cast<int>(at), line), expected) << patterns[at] << " alone in " << line;
        }
    }
}

}  // namespace
}  // namespace medic
