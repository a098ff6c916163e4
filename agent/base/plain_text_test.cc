#include "agent/base/plain_text.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

TEST(PlainText, holds_no_order_to_a_terminal) {
    EXPECT_EQ(plain_text("\x1b]0;title\a\x1b[31mred\x1b[0m\r\x7f"), "]0;title[31mred[0m");
    EXPECT_EQ(plain_text("C1 \xc2\x9b"
                         "31m \xc2\x80 \xc2\x9f."),
              "C1 31m  .");
    EXPECT_EQ(plain_text(std::string("a\0b", 3)), "ab");
}

TEST(PlainText, keeps_lines_tabs_and_the_letters_of_all_languages) {
    for (const char* text : {"", "a\n\tb\n", "größer → 日本 🙂 \u00a0", "…–·"}) EXPECT_EQ(plain_text(text), text);
}

TEST(PlainText, bytes_that_are_no_utf_8_are_told_and_not_passed_on) {
    EXPECT_EQ(plain_text("a\x9b"
                         "31m\xff"),
              "a\ufffd31m\ufffd");
    EXPECT_EQ(plain_text("\xe0\x82\x9b"), "\ufffd\ufffd\ufffd") << "a longer form of U+009B";
    EXPECT_EQ(plain_text("\xe2\x80"), "\ufffd\ufffd") << "cut";
}

TEST(PlainLine, stays_one_line) {
    EXPECT_EQ(plain_line("a\nb\r\nc\td\x7f"
                         "e\u0085f\u2028g\u2029h\x1b[0m"),
              "a b  c d e f g h [0m");
    EXPECT_EQ(plain_line("größer \xff"), "größer \ufffd");
}

TEST(Shortened, is_cut_at_a_letters_border) {
    EXPECT_EQ(shortened("abc", 3), "abc");
    EXPECT_EQ(shortened("abcd", 3), "abc…");
    EXPECT_EQ(shortened("aéé", 4), "aé…");
    EXPECT_EQ(shortened("日本", 2), "…");
}

}  // namespace
}  // namespace medic
