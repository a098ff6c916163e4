#include "agent/base/base64.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

// RFC 4648 §10.
TEST(Base64, says_the_standards_own_examples) {
    const std::pair<std::string_view, std::string_view> examples[] = {{"", ""},
                                                                      {"f", "Zg=="},
                                                                      {"fo", "Zm8="},
                                                                      {"foo", "Zm9v"},
                                                                      {"foob", "Zm9vYg=="},
                                                                      {"fooba", "Zm9vYmE="},
                                                                      {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, text] : examples) {
        EXPECT_EQ(to_base64(bytes), text);
        EXPECT_EQ(from_base64(text), bytes);
    }
}

TEST(Base64, carries_every_byte) {
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
    EXPECT_EQ(from_base64(to_base64(all)), all);
}

TEST(Base64, refuses_what_it_is_not) {
    for (const char* text : {"Zg", "Zg=", "Z===", "Zm=v", "Zm9v\n", "Zm-_", "===="})
        EXPECT_FALSE(from_base64(text)) << text;
}

}  // namespace
}  // namespace medic
