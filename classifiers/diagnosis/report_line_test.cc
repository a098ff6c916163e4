// The quick reader and writer of `medic classify` against nlohmann::json: what they take and write is the same.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "classifiers/diagnosis/report_line_internal.h"

namespace medic {
namespace {

using Json = nlohmann::ordered_json;

std::string as_we_write(std::string_view text) {
    std::string out = "before ";
    append_quoted(out, text);
    return out;
}

std::string as_nlohmann_writes(std::string_view text) {
    return "before " + Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

TEST(ReportLine, QuotesEachByteAsNlohmannDoes) {
    for (int c = 0; c < 256; ++c) {
        const std::string text = std::string("a\n") + static_cast<char>(c) + "b\"";
        EXPECT_EQ(as_we_write(text), as_nlohmann_writes(text)) << "byte " << c;
    }
}

TEST(ReportLine, QuotesTextsThatAreNoUtf8OrEmpty) {
    for (const std::string_view text :
         {"", "plain", "Überfülle \"ß\"", "cut \xe2\x82", "\xf0\x9f\x98\x80", "\xed\xa0\x80"})
        EXPECT_EQ(as_we_write(text), as_nlohmann_writes(text));
}

TEST(ReportLine, ReadsWhatIsInGoodOrder) {
    ReportReader reader;
    for (const std::string_view line : {
             R"({"id":"a\"b","component":"flink","text":"x\n\tat y\u00e9"})",
             R"({"text":"x","component":7,"id":-12,"more":{"a":[1,2.5,null]}})",
             R"({"text":"","id":null})",
             R"({"id":1,"text":"first","text":"second"})",
         }) {
        const auto read = reader.read(line);
        ASSERT_TRUE(read) << line;
        const auto other = Json::parse(line);
        EXPECT_EQ(read->id, other.contains("id") ? other["id"].dump() : "null");
        EXPECT_EQ(read->text, other["text"].get<std::string>());
        const bool named = other.contains("component") && other["component"].is_string();
        EXPECT_EQ(read->component, named ? other["component"].get<std::string>() : "");
    }
}

TEST(ReportLine, LeavesTheRestAndGoesOn) {
    ReportReader reader;
    for (const std::string_view line : {
             "",
             "7",
             "[]",
             "{",
             R"({"id":1})",
             R"({"text":7})",
             R"({"text":"x"} x)",
             R"({"text":"x",})",
             R"({"text":"x","id":[1]})",
             R"({"text":"x","id":1.5})",
             R"({"text":"x","id":99999999999999999999})",
             R"({"text":"x","a":[[[[[[[[[[1]]]]]]]]]]})",
             "{\"text\":\"\xc3\"}",
             "{\"text\":\"a\nb\"}",
         })
        EXPECT_FALSE(reader.read(line)) << line;
    const std::string large = R"({"id":"large","text":")" + std::string(1 << 20, 'x') + R"("})";
    EXPECT_EQ(reader.read(large)->text.size(), std::size_t{1} << 20);
    EXPECT_EQ(reader.read(R"({"text":"x"})")->text, "x");
}

}  // namespace
}  // namespace medic
