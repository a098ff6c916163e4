#include <array>
#include <vector>

#include <boost/json/src.hpp>
#include <nlohmann/json.hpp>

#include "classifiers/diagnosis/report_line_internal.h"

namespace medic {
namespace {

constexpr std::size_t arena_bytes = 64 * 1024;  // Of what a line becomes; a longer one takes more from the heap.
constexpr std::size_t depth_max = 8;

// What stands for a byte within quotes: 0: itself; 'u': its number; else the letter behind a backslash. Bytes of which
// more than one make a sign: `not_ascii`.
constexpr char not_ascii = 'x';
constexpr std::array<char, 256> escapes = [] {
    std::array<char, 256> all{};
    for (int c = 0; c < 0x20; ++c) all[static_cast<std::size_t>(c)] = 'u';
    for (int c = 0x80; c < 0x100; ++c) all[static_cast<std::size_t>(c)] = not_ascii;
    all['"'] = '"', all['\\'] = '\\', all['\b'] = 'b', all['\f'] = 'f', all['\n'] = 'n', all['\r'] = 'r',
    all['\t'] = 't';
    return all;
}();

std::string in_full(std::string_view text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<std::string> id_of(const boost::json::object& object) {
    const auto* id = object.if_contains("id");
    if (id == nullptr || id->is_null()) return "null";
    std::string out;
    if (const auto* text = id->if_string()) {
        append_quoted(out, {text->data(), text->size()});
    } else if (const auto* number = id->if_int64()) {
        out = std::to_string(*number);
    } else {
        return std::nullopt;
    }
    return out;
}

}  // namespace

struct ReportReader::State {
    std::vector<unsigned char> arena = std::vector<unsigned char>(arena_bytes);
    boost::json::monotonic_resource memory{arena.data(), arena.size()};
    boost::json::parser parser{boost::json::storage_ptr(), {.max_depth = depth_max}};
    std::optional<boost::json::value> line;  // In `memory`.
};

ReportReader::ReportReader() : state_(std::make_unique<State>()) {}
ReportReader::~ReportReader() = default;

std::optional<ReportLine> ReportReader::read(std::string_view line) {
    auto& [arena, memory, parser, value] = *state_;
    value.reset();
    parser.reset(&memory);
    memory.release();
    boost::json::error_code error;
    parser.write(line.data(), line.size(), error);
    if (error) return std::nullopt;
    value.emplace(parser.release());
    const auto* object = value->if_object();
    if (object == nullptr) return std::nullopt;
    auto id = id_of(*object);
    const auto* text = object->if_contains("text");
    if (!id || text == nullptr || !text->is_string()) return std::nullopt;
    const auto* component = object->if_contains("component");
    const auto view = [](const boost::json::string& from) { return std::string_view(from.data(), from.size()); };
    return ReportLine{.id = *std::move(id),
                      .component = component != nullptr && component->is_string() ? view(component->get_string())
                                                                                  : std::string_view(),
                      .text = view(text->get_string())};
}

void append_quoted(std::string& out, std::string_view text) {
    const auto begun = out.size();
    out += '"';
    std::size_t plain = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char escape = escapes[static_cast<unsigned char>(text[at])];
        if (escape == 0) continue;
        if (escape == 'u' || escape == not_ascii) {  // Seldom, and not simple.
            out.resize(begun);
            out += in_full(text);
            return;
        }
        out.append(text, plain, at - plain);
        out += '\\';
        out += escape;
        plain = at + 1;
    }
    out.append(text, plain);
    out += '"';
}

}  // namespace medic
