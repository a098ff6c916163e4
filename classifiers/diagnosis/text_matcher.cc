#include "classifiers/diagnosis/text_matcher.h"

#include <algorithm>
#include <array>

#include <re2/re2.h>
#include <re2/set.h>

namespace medic {
namespace {

constexpr std::size_t where_count = 4;
constexpr std::size_t frames_rendered_max = 256;
constexpr std::size_t prose_bytes_max = 32 * 1024;

void append(std::string& out, std::string_view text) { out.append(text.data(), text.size()); }

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
            append(out, &throwable == root ? failure.root_type() : throwable.type);
            out += '\n';
        }
    }
    return out;
}

std::string render_frames(const FailureText& text) {
    std::string out;
    std::size_t count = 0;
    for (const auto& failure : text.failures)
        for (const auto& throwable : failure.chain) {
            if (throwable.relation == Throwable::Relation::suppressed) continue;
            for (const auto& frame : throwable.frames) {
                if (++count > frames_rendered_max) return out;
                append(out, to_string(frame.owner));
                out += ' ';
                append(out, frame.function);
                out += '(';
                append(out, frame.location);
                out += ")\n";
            }
        }
    return out;
}

std::string render_prose(const FailureText& text) {
    std::string out;
    for (const auto line : text.prose) {
        if (out.size() + line.size() > prose_bytes_max) break;
        append(out, line);
        out += '\n';
    }
    return out;
}

// The failure that the shape is about: the first that has frames and is no mere echo; else the first.
const Failure* main_failure(const FailureText& text) {
    for (const auto& failure : text.failures)
        if (failure.has_deciding_frame) return &failure;
    return text.failures.empty() ? nullptr : &text.failures.front();
}

std::string rendering(Signature::Where where, const FailureText& text, Component component) {
    switch (where) {
        case Signature::Where::type: return render_types(text);
        case Signature::Where::message: return render_prose(text);
        case Signature::Where::frame: return render_frames(text);
        case Signature::Where::shape: return shape_of(text, component);
    }
    return {};
}

// Anchored to the owner's name at the line's start where only some owners' frames count.
std::string pattern_of(const Signature& signature) {
    if (signature.engine_frame) return "(?m)^(?:flink|kafka|connect) .*?(?:" + signature.re2 + ")";
    if (signature.frame_owner)
        return "(?m)^" + std::string{to_string(*signature.frame_owner)} + " .*?(?:" + signature.re2 + ")";
    return "(?m)(?:" + signature.re2 + ")";
}

}  // namespace

std::string shape_of(const FailureText& text, Component component) {
    std::string out = "component=" + std::string{to_string(component)};
    const auto* failure = main_failure(text);
    if (failure != nullptr) {
        const auto& root = failure->root();
        out += " throwables=" + std::to_string(std::min<std::size_t>(failure->chain.size(), 9)) + " root=";
        append(out, failure->root_type());
        out += root.message.empty() ? " root_message=none" : " root_message=some";
        if (const auto* frame = failure->deciding()) {
            out += " decide=" + std::string{to_string(frame->owner)} + " decide_frame=";
            append(out, frame->function.substr(0, frame->function.find(' ')));
        }
        const Throwable* framed = &root;
        for (std::size_t at = failure->chain.size(); framed->frames.empty() && at-- > 0;) framed = &failure->chain[at];
        if (!framed->frames.empty()) {
            out += " top=" + std::string{to_string(framed->frames.front().owner)} + " top_frame=";
            append(out, framed->frames.front().function.substr(0, framed->frames.front().function.find(' ')));
        }
        std::array<bool, 7> owners{};
        for (const auto& throwable : failure->chain)
            if (throwable.relation != Throwable::Relation::suppressed)
                for (const auto& frame : throwable.frames) owners[static_cast<std::size_t>(frame.owner)] = true;
        std::string list;
        for (std::size_t owner = 0; owner < owners.size(); ++owner)
            if (owners[owner])
                list += (list.empty() ? "" : ",") + std::string{to_string(static_cast<FrameOwner>(owner))};
        if (!list.empty()) out += " owners=" + list;
    }
    if (text.record) out += " record=yes";
    if (text.exit_code) out += " exit=" + std::to_string(*text.exit_code);
    if (failure != nullptr && failure->root().type.starts_with("SIG")) out += " fatal=yes";
    return out;
}

struct TextMatcher::State {
    struct One {
        std::unique_ptr<RE2::Set> set;
        std::vector<std::size_t> signatures;  // Of each pattern in the set.
    };
    std::array<One, where_count> sets;
    std::vector<std::unique_ptr<RE2>> patterns;  // By signature; for evidence, and where a set runs out of memory.
    std::vector<Signature::Where> where;
};

TextMatcher::TextMatcher(std::unique_ptr<State> state) : state_(std::move(state)) {}
TextMatcher::~TextMatcher() = default;
TextMatcher::TextMatcher(TextMatcher&&) noexcept = default;
TextMatcher& TextMatcher::operator=(TextMatcher&&) noexcept = default;

Result<TextMatcher> TextMatcher::make(const Catalogue& catalogue, TextMatcherOptions options) {
    auto state = std::make_unique<State>();
    RE2::Options set_options{RE2::Quiet};
    set_options.set_encoding(RE2::Options::EncodingLatin1);  // Any bytes are text, and `.` is one state instead of ten.
    set_options.set_max_mem(static_cast<std::int64_t>(options.memory_bytes_max / where_count));
    for (auto& one : state->sets) one.set = std::make_unique<RE2::Set>(set_options, RE2::UNANCHORED);
    for (std::size_t at = 0; at < catalogue.signatures().size(); ++at) {
        const auto& signature = catalogue.signatures()[at];
        const auto pattern = pattern_of(signature);
        auto& one = state->sets[static_cast<std::size_t>(signature.where)];
        std::string error;
        if (one.set->Add(pattern, &error) < 0) return fail(ErrorCode::invalid, "{}: {}", signature.defined_at, error);
        one.signatures.push_back(at);
        state->patterns.push_back(std::make_unique<RE2>(pattern, set_options));
        state->where.push_back(signature.where);
    }
    for (auto& one : state->sets)
        if (!one.signatures.empty() && !one.set->Compile())
            return fail(ErrorCode::invalid, "the signatures need more than {} bytes of memory",
                        options.memory_bytes_max);
    return TextMatcher{std::move(state)};
}

TextMatches TextMatcher::match(const FailureText& text, Component component) const {
    TextMatches out;
    std::vector<int> hits;
    for (std::size_t kind = 0; kind < where_count; ++kind) {
        const auto& one = state_->sets[kind];
        if (one.signatures.empty()) continue;
        const auto rendered = rendering(static_cast<Signature::Where>(kind), text, component);
        if (static_cast<Signature::Where>(kind) == Signature::Where::shape) out.shape = rendered;
        if (rendered.empty()) continue;
        RE2::Set::ErrorInfo error{};
        hits.clear();
        if (one.set->Match(rendered, &hits, &error)) {
            for (const int hit : hits) out.signatures.push_back(one.signatures[static_cast<std::size_t>(hit)]);
        } else if (error.kind != RE2::Set::kNoError) {
            // Out of memory looks like "no match": ask one by one instead.
            for (const auto signature : one.signatures)
                if (RE2::PartialMatch(rendered, *state_->patterns[signature])) out.signatures.push_back(signature);
        }
    }
    std::ranges::sort(out.signatures);
    return out;
}

std::string TextMatcher::matched_line(std::size_t signature, const FailureText& text, Component component) const {
    const auto rendered = rendering(state_->where[signature], text, component);
    re2::StringPiece found;
    if (!state_->patterns[signature]->Match(rendered, 0, rendered.size(), RE2::UNANCHORED, &found, 1)) return {};
    const auto at = static_cast<std::size_t>(found.data() - rendered.data());
    const auto before = rendered.rfind('\n', at);
    const auto from = before == std::string::npos || at == 0 ? 0 : before + 1;
    return rendered.substr(from, std::min<std::size_t>(rendered.find('\n', at) - from, 300));
}

}  // namespace medic
