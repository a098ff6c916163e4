// One line that `medic classify` takes, read where it is in good order: {"id","component","text"}. Boost.JSON takes it
// in a tenth of the time that nlohmann::json's lexer spends on a trace. What is wrong with another line is not said
// here: classify_lines.cc reads that one with nlohmann::json, like all JSON of others. Only for classify_lines.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace medic {

struct ReportLine {
    std::string id;  // As JSON; "null": there is none.
    std::string_view component, text;
};

class ReportReader {
public:
    ReportReader();
    ReportReader(const ReportReader&) = delete;
    ReportReader& operator=(const ReportReader&) = delete;
    ~ReportReader();

    // Its views hold until the next call. nullopt: not in good order, or nested deeper than ours ever is.
    [[nodiscard]] std::optional<ReportLine> read(std::string_view line);

private:
    struct State;
    std::unique_ptr<State> state_;
};

// Appends the text as a JSON string, as nlohmann::json writes it; what is no UTF-8 in it is replaced.
void append_quoted(std::string& out, std::string_view text);

}  // namespace medic
