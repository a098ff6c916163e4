#include "classifiers/diagnosis/text_matcher.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <numeric>
#include <unordered_map>

#include "agent/base/text_hash.h"
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

// Calls `take` with each line of the throwables while it answers true.
template <class Take>
void for_types(const FailureText& text, Take take) {
    const auto types = render_types(text);
    for (std::size_t at = 0; at < types.size();) {
        const auto end = types.find('\n', at);
        if (!take(std::string_view{types}.substr(at, end - at))) return;
        at = end + 1;
    }
}

// Likewise with each frame's line. Line numbers are left out: the same function is the same line.
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
                if (!take(line)) return;
            }
        }
}

// Which lines of prose are looked at, in their order: the first ones, and of those behind them the last ones that tell
// of a failure and the last ones beside it. Each of the three has its share, so that a long log is read at both ends.
std::vector<std::size_t> prose_seen(const FailureText& text) {
    std::size_t bytes = 0, head = 0;
    while (head < text.prose.size() && (bytes += text.prose[head].size()) <= prose_bytes_max) ++head;
    std::vector<std::size_t> seen(head);
    std::iota(seen.begin(), seen.end(), std::size_t{0});
    std::size_t failing_left = prose_bytes_max, asides_left = prose_bytes_max;
    for (std::size_t at = text.prose.size(); at > head && failing_left + asides_left > 0; --at) {
        const auto line = text.prose[at - 1];
        std::size_t& left = trace::is_aside(line) ? asides_left : failing_left;
        if (line.size() <= left) seen.push_back(at - 1);
        left -= std::min(left, line.size());
    }
    std::reverse(seen.begin() + static_cast<std::ptrdiff_t>(head), seen.end());
    return seen;
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
    using Seen = std::unordered_map<std::string, std::vector<std::uint16_t>, TextHash, std::equal_to<>>;
    Seen types_seen, frames_seen, messages_seen, shapes_seen;

    const std::vector<std::uint16_t>& hits_of(Signature::Where where, Seen& seen, std::string_view line) {
        auto found = seen.find(line);
        if (found == seen.end()) {
            if (seen.size() >= lines_seen_max) seen.clear();
            std::vector<bool> own(kind(where).signatures.size(), false);
            kind(where).patterns.match(line, own);
            std::vector<std::uint16_t> hits;
            for (std::size_t at = 0; at < own.size(); ++at)
                if (own[at]) hits.push_back(static_cast<std::uint16_t>(at));
            found = seen.emplace(line, std::move(hits)).first;
        }
        return found->second;
    }

    // Each calls `take` with each pattern that holds and did not before.
    template <class Take>
    void match_seen(Signature::Where where, Seen& seen, std::string_view line, std::vector<bool>& matched, Take take) {
        for (const auto hit : hits_of(where, seen, line))
            if (!matched[hit]) {
                matched[hit] = true;
                take(static_cast<std::size_t>(hit));
            }
    }
    template <class Take>
    void match_new(Signature::Where where, std::string_view line, std::vector<bool>& matched, Take take) {
        for (const int hit : kind(where).patterns.match(line, matched)) take(static_cast<std::size_t>(hit));
    }
    template <class Take>
    void match_message(std::string_view line, std::vector<bool>& matched, Take take) {
        line = line.substr(0, message_bytes_max);
        // A line that begins with a letter bears no time stamp, so it comes again.
        const bool comes_again =
            line.size() <= message_seen_bytes_max && std::isalpha(static_cast<unsigned char>(line.front())) != 0;
        if (comes_again) {
            match_seen(Signature::Where::message, messages_seen, line, matched, take);
        } else {
            match_new(Signature::Where::message, line, matched, take);
        }
    }

    // Notes what holds in `out`, with its line; `matched` has a flag for each pattern of the kind.
    void match_messages(const FailureText& text, std::vector<bool>& matched, TextMatches& out) {
        const auto& signatures = kind(Signature::Where::message).signatures;
        const auto seen = prose_seen(text);
        out.truncated = seen.size() < text.prose.size();
        const auto match_one = [&](std::size_t at) {
            match_message(text.prose[at], matched,
                          [&](std::size_t hit) { out.lines.emplace_back(signatures[hit], at); });
        };
        // What failed first; then what was logged beside it, which tells less.
        std::vector<std::size_t> asides;
        for (const std::size_t at : seen)
            if (trace::is_aside(text.prose[at])) {
                asides.push_back(at);
            } else {
                match_one(at);
            }
        const auto failing = out.lines.size();
        for (const auto at : asides) match_one(at);
        for (auto at = failing; at < out.lines.size() && !text.failures.empty(); ++at)
            out.asides.push_back(out.lines[at].first);
    }

    void match_kind(Signature::Where where, const FailureText& text, std::vector<bool>& matched, TextMatches& out) {
        const auto& signatures = kind(where).signatures;
        std::size_t number = 0;
        const auto note = [&](std::size_t hit) { out.lines.emplace_back(signatures[hit], number); };
        switch (where) {
            case Signature::Where::type:
                for_types(text, [&](std::string_view line) {
                    match_seen(where, types_seen, line, matched, note);
                    return ++number != 0;
                });
                break;
            case Signature::Where::message: match_messages(text, matched, out); break;
            case Signature::Where::frame:
                for_frames(text, [&](std::string_view line) {
                    match_seen(where, frames_seen, line, matched, note);
                    return ++number != 0;
                });
                break;
            case Signature::Where::shape:
                match_seen(where, shapes_seen, out.shape, matched,
                           [&](std::size_t hit) { out.signatures.push_back(signatures[hit]); });
                break;
        }
    }

    // The first line of all that holds, whether it failed or was logged beside it: `known` was the first of its sort.
    // What was looked at before it was found not to hold, but for lines of the other sort and what stands behind a
    // line's looked-at part.
    std::string_view first_message(std::size_t signature, std::size_t known, const FailureText& text) {
        for (std::size_t at = 0; at < known; ++at) {
            const auto line = text.prose[at];
            const bool looked_at = line.size() <= message_bytes_max && !trace::is_aside(line);
            if (!looked_at && kind(Signature::Where::message).patterns.holds(places[signature].pattern, line))
                return line;
        }
        return text.prose[known];
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
        matched.assign(state_->kinds[at].signatures.size(), false);
        state_->match_kind(static_cast<Signature::Where>(at), text, matched, out);
    }
    for (const auto& [signature, line] : out.lines) out.signatures.push_back(signature);
    std::ranges::sort(out.signatures);
    std::ranges::sort(out.asides);
    return out;
}

std::string TextMatcher::matched_line(std::size_t signature, const TextMatches& matches,
                                      const FailureText& text) const {
    constexpr std::size_t shown_bytes_max = 300;
    if (!std::ranges::binary_search(matches.signatures, signature)) return {};
    const auto where = state_->places[signature].where;
    if (where == Signature::Where::shape) return matches.shape.substr(0, shown_bytes_max);
    const auto known = std::ranges::find(matches.lines, signature, [](const auto& line) { return line.first; })->second;
    if (where == Signature::Where::message)
        return std::string{state_->first_message(signature, known, text).substr(0, shown_bytes_max)};
    std::string found;
    std::size_t number = 0;
    const auto take = [&](std::string_view line) {
        if (number++ < known) return true;
        found = line.substr(0, shown_bytes_max);
        return false;
    };
    if (where == Signature::Where::type) {
        for_types(text, take);
    } else {
        for_frames(text, take);
    }
    return found;
}

}  // namespace medic
