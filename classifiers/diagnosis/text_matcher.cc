#include "classifiers/diagnosis/text_matcher.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <unordered_map>

#include "classifiers/diagnosis/failure_shape.h"
#include "classifiers/diagnosis/line_patterns_internal.h"
#include "classifiers/diagnosis/trace/prefix.h"

namespace medic {
namespace {

constexpr std::size_t where_count = 4;
constexpr std::size_t frames_rendered_max = 256;
constexpr std::size_t prose_bytes_max = 32 * 1024;
constexpr std::size_t lines_seen_max = 4'096;
constexpr std::size_t message_seen_bytes_max = 512;
constexpr std::size_t message_bytes_max = 2'048;  // What a line says, it says before it dumps a record.

std::string render_types(const FailureText& text) {
    std::string out;
    for (const auto& failure : text.failures) {
        const auto* root = &failure.root();
        for (std::size_t at = 0; at < failure.chain.size(); ++at) {
            const auto& throwable = failure.chain[at];
            if (throwable.relation == Throwable::Relation::suppressed) {
                out += "suppressed ";
            } else if (&throwable == root) {
                out += "root ";
            } else {
                out += at == 0 ? "first " : "cause ";
            }
            out += &throwable == root ? failure.root_type() : throwable.type;
            out += '\n';
        }
    }
    return out;
}

// Calls `take` with each frame's line. Line numbers are left out: the same function is the same line.
template <class Take>
void for_frames(const FailureText& text, Take take) {
    std::string line;
    std::size_t count = 0;
    for (const auto& failure : text.failures)
        for (const auto& throwable : failure.chain) {
            if (throwable.relation == Throwable::Relation::suppressed) continue;
            for (const auto& frame : throwable.frames) {
                if (++count > frames_rendered_max) return;
                line.assign(to_string(frame.owner));
                line += ' ';
                line += frame.function;
                line += '(';
                take(line);
            }
        }
}

enum class Prose : std::uint8_t { all, failing, asides };

template <class Take>
void for_prose(const FailureText& text, Prose which, Take take) {
    std::size_t bytes = 0;
    for (const auto line : text.prose) {
        bytes += line.size();
        if (bytes > prose_bytes_max) return;
        if (which == Prose::all || trace::is_aside(line) == (which == Prose::asides)) take(line);
    }
}

template <class Take>
void for_lines(Signature::Where where, const FailureText& text, Component component, Take take) {
    switch (where) {
        case Signature::Where::type: {
            const auto types = render_types(text);
            for (std::size_t at = 0; at < types.size();) {
                const auto end = types.find('\n', at);
                take(std::string_view{types}.substr(at, end - at));
                at = end + 1;
            }
            break;
        }
        case Signature::Where::message: for_prose(text, Prose::all, take); break;
        case Signature::Where::frame: for_frames(text, take); break;
        case Signature::Where::shape: take(std::string_view{shape_of(text, component)}); break;
    }
}

}  // namespace

struct TextMatcher::State {
    struct Kind {
        LinePatterns patterns;
        std::vector<std::size_t> signatures;  // Of each pattern.
    };
    struct Place {  // Of a signature: its kind and its pattern there.
        Signature::Where where = Signature::Where::message;
        int pattern = 0;
    };
    std::vector<std::pair<Signature::Where, std::string>> unbuilt;  // By signature; empty once they are built.
    std::array<Kind, where_count> kinds;
    std::vector<Place> places;  // By signature.

    Kind& kind(Signature::Where where) { return kinds[static_cast<std::size_t>(where)]; }

    // The automata are most of what the catalogue weighs, and a platform in good health never shows a trace.
    void build() {
        if (unbuilt.empty()) return;
        places.resize(unbuilt.size());
        for (std::size_t signature = 0; signature < unbuilt.size(); ++signature) {
            const auto& [where, text] = unbuilt[signature];
            const auto pattern = kind(where).patterns.add(text);
            if (!pattern) continue;  // The catalogue has refused such a one.
            kind(where).signatures.push_back(signature);
            places[signature] = {.where = where, .pattern = *pattern};
        }
        for (auto& one : kinds) one.patterns.compile();
        unbuilt = {};
    }

    // Traces share most of their frames, and a job in a restart loop repeats its exceptions word for word: which
    // patterns hold for a line seen before.
    using Seen = std::unordered_map<std::string, std::vector<std::uint16_t>>;
    Seen frames_seen, messages_seen;

    const std::vector<std::uint16_t>& hits_of(Signature::Where where, Seen& seen, std::string_view line) {
        thread_local std::string key;
        key.assign(line);
        auto found = seen.find(key);
        if (found == seen.end()) {
            if (seen.size() >= lines_seen_max) seen.clear();
            std::vector<bool> own(kind(where).signatures.size(), false);
            kind(where).patterns.match(line, own);
            std::vector<std::uint16_t> hits;
            for (std::size_t at = 0; at < own.size(); ++at)
                if (own[at]) hits.push_back(static_cast<std::uint16_t>(at));
            found = seen.emplace(key, std::move(hits)).first;
        }
        return found->second;
    }

    void match_frame(const std::string& line, std::vector<bool>& matched) {
        for (const auto hit : hits_of(Signature::Where::frame, frames_seen, line)) matched[hit] = true;
    }

    // Calls `take` with each pattern that holds and did not before.
    template <class Take>
    void match_message(std::string_view line, std::vector<bool>& matched, Take take) {
        line = line.substr(0, message_bytes_max);
        // A line that begins with a letter bears no time stamp, so it comes again.
        const bool comes_again =
            line.size() <= message_seen_bytes_max && std::isalpha(static_cast<unsigned char>(line.front())) != 0;
        if (!comes_again) {
            const auto& messages = kind(Signature::Where::message).patterns;
            for (const int hit : messages.match(line, matched)) take(static_cast<std::size_t>(hit));
            return;
        }
        for (const auto hit : hits_of(Signature::Where::message, messages_seen, line))
            if (!matched[hit]) {
                matched[hit] = true;
                take(static_cast<std::size_t>(hit));
            }
    }
};

TextMatcher::~TextMatcher() = default;
TextMatcher::TextMatcher(TextMatcher&&) noexcept = default;
TextMatcher& TextMatcher::operator=(TextMatcher&&) noexcept = default;

TextMatcher::TextMatcher(const Catalogue& catalogue) : state_(std::make_unique<State>()) {
    for (const auto& signature : catalogue.signatures())
        state_->unbuilt.emplace_back(signature.where, pattern_of(signature));
}

TextMatches TextMatcher::match(const FailureText& text, Component component) const {
    state_->build();
    TextMatches out;
    out.shape = shape_of(text, component);
    std::vector<bool> matched;
    for (std::size_t at = 0; at < where_count; ++at) {
        const auto& kind = state_->kinds[at];
        const auto where = static_cast<Signature::Where>(at);
        matched.assign(kind.signatures.size(), false);
        if (where == Signature::Where::shape) {
            kind.patterns.match(out.shape, matched);
        } else if (where == Signature::Where::frame) {
            for_frames(text, [&](const std::string& line) { state_->match_frame(line, matched); });
        } else if (where == Signature::Where::message) {
            // What failed first; then what was logged beside it, which tells less.
            const auto take = [&](std::string_view line) {
                state_->match_message(line, matched,
                                      [&](std::size_t hit) { out.lines.emplace_back(kind.signatures[hit], line); });
            };
            for_prose(text, Prose::failing, take);
            const auto failing = matched;
            for_prose(text, Prose::asides, take);
            for (std::size_t hit = 0; hit < matched.size() && !text.failures.empty(); ++hit)
                if (matched[hit] && !failing[hit]) out.asides.push_back(kind.signatures[hit]);
        } else {
            for_lines(where, text, component, [&](std::string_view line) { kind.patterns.match(line, matched); });
        }
        for (std::size_t hit = 0; hit < matched.size(); ++hit)
            if (matched[hit]) out.signatures.push_back(kind.signatures[hit]);
    }
    std::ranges::sort(out.signatures);
    return out;
}

std::string TextMatcher::matched_line(std::size_t signature, const FailureText& text, Component component) const {
    constexpr std::size_t shown_bytes_max = 300;
    state_->build();
    std::string found;
    const auto [where, pattern] = state_->places[signature];
    for_lines(where, text, component, [&](std::string_view line) {
        if (found.empty() && state_->kind(where).patterns.holds(pattern, line)) found = line.substr(0, shown_bytes_max);
    });
    return found;
}

}  // namespace medic
