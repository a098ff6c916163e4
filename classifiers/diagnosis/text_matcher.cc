#include "classifiers/diagnosis/text_matcher.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <unordered_map>

#include "classifiers/diagnosis/line_patterns_internal.h"
#include "classifiers/diagnosis/trace/prefix.h"

namespace medic {
namespace {

constexpr std::size_t where_count = 4;
constexpr std::size_t frames_rendered_max = 256;
constexpr std::size_t prose_bytes_max = 32 * 1024;
constexpr std::size_t shape_message_bytes_max = 200;
constexpr std::size_t lines_seen_max = 4'096;
constexpr std::size_t message_seen_bytes_max = 512;
constexpr std::size_t message_bytes_max = 2'048;  // What a line says, it says before it dumps a record.

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
                append(line, frame.function);
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

// The failure that the shape is about: the first that has frames and is no mere echo; else the first.
const Failure* main_failure(const FailureText& text) {
    for (const auto& failure : text.failures)
        if (failure.has_deciding_frame) return &failure;
    return text.failures.empty() ? nullptr : &text.failures.front();
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

// Who called the code that decides: the next owner below the deciding frame that is neither the same nor a library.
std::optional<FrameOwner> caller_of_deciding(const Failure& failure) {
    if (!failure.has_deciding_frame) return std::nullopt;
    const auto& frames = failure.chain[failure.deciding_throwable].frames;
    const auto decides = frames[failure.deciding_frame].owner;
    for (std::size_t at = failure.deciding_frame + 1; at < frames.size(); ++at) {
        const auto owner = frames[at].owner;
        if (owner != decides && owner != FrameOwner::jdk && owner != FrameOwner::library) return owner;
    }
    return std::nullopt;
}

// "a.b" of "a.b.Class.method".
std::string_view package_of(std::string_view function) {
    for (int part = 0; part < 2; ++part) {
        const auto dot = function.rfind('.');
        if (dot == std::string_view::npos) return {};
        function = function.substr(0, dot);
    }
    return function;
}

// Who handed the deciding frame what it failed at: the next owner below it outside of its own package, libraries aside.
// Unlike the caller, it may be the same owner: a row of the engine fails in the hands of an operator or of a connector.
std::optional<FrameOwner> next_to_deciding(const Failure& failure) {
    if (!failure.has_deciding_frame) return std::nullopt;
    const auto& frames = failure.chain[failure.deciding_throwable].frames;
    const auto package = package_of(frames[failure.deciding_frame].function);
    for (std::size_t at = failure.deciding_frame + 1; at < frames.size(); ++at)
        if (frames[at].owner != FrameOwner::jdk && frames[at].owner != FrameOwner::library &&
            package_of(frames[at].function) != package)
            return frames[at].owner;
    return std::nullopt;
}

// Whether "org.acme.hive.HiveCatalog" is by its name a kind of "org.acme.catalog.Catalog" (or of an AbstractCatalog or
// ICatalog): of the same project, with its last words. Not in one package, where "LongRow" and "Row" may as well be
// siblings.
bool is_kin(std::string_view from, std::string_view to) {
    const auto from_dot = from.rfind('.'), to_dot = to.rfind('.');
    if (from_dot == std::string_view::npos || to_dot == std::string_view::npos) return false;
    if (from.substr(0, from_dot) == to.substr(0, to_dot) || from.starts_with("java")) return false;
    const auto project = to.find('.', to.find('.') + 1);
    if (project == std::string_view::npos || !from.starts_with(to.substr(0, project + 1))) return false;
    const auto own = from.substr(from_dot + 1);
    auto kind = to.substr(to_dot + 1);
    if (own == kind) return false;
    for (const std::string_view front : {"Abstract", "Base", "I"})
        if (kind.starts_with(front) && kind.size() > front.size() &&
            std::isupper(static_cast<unsigned char>(kind[front.size()])))
            kind.remove_prefix(front.size());
    return own.ends_with(kind);
}

struct Cast {
    std::string_view from, to;
};

// What a failed cast names: "class a.B cannot be cast to class c.D (…)", "Cannot cast a.B to c.D". Empty names: no cast.
Cast cast_named_by(const Throwable& root) {
    constexpr std::string_view between = " cannot be cast to ", before = "Cannot cast ", to_word = " to ";
    if (!root.type.ends_with("ClassCastException")) return {};
    Cast cast;
    if (const auto at = root.message.find(between); at != std::string_view::npos) {
        cast = {.from = root.message.substr(0, at), .to = root.message.substr(at + between.size())};
    } else if (root.message.starts_with(before)) {
        const auto names = root.message.substr(before.size());
        const auto middle = names.find(to_word);
        if (middle == std::string_view::npos) return {};
        cast = {.from = names.substr(0, middle), .to = names.substr(middle + to_word.size())};
    }
    for (auto* name : {&cast.from, &cast.to}) {
        if (name->starts_with("class ")) name->remove_prefix(6);
        *name = name->substr(0, name->find_first_of(" (;"));
    }
    return cast;
}

// "class a.B cannot be cast to class a.B": the same name from two loaders. Likewise a class that is not of the kind its
// name says it is of.
bool casts_to_itself(const Cast& cast) {
    return !cast.from.empty() && (cast.from == cast.to || is_kin(cast.from, cast.to));
}

// Python's classes say where they live, but not whose that is: an installed package's own class, by its files on the
// stack.
bool thrown_by_installed_package(std::string_view type, const Failure& failure) {
    const auto package = type.substr(0, type.find('.'));
    for (const auto& throwable : failure.chain)
        for (const auto& frame : throwable.frames) {
            if (frame.owner != FrameOwner::library) continue;
            const auto at = frame.location.find("-packages/");
            if (at == std::string_view::npos) continue;
            const auto inside = frame.location.substr(at + 10);
            if (inside.starts_with(package) && inside.substr(package.size()).starts_with("/")) return true;
        }
    return false;
}

// Whose class the root is. A plain word ("ValueError") is the language's own.
FrameOwner type_owner(std::string_view type, Component component, const Failure& failure) {
    if (type.find('.') == std::string_view::npos && type.find("::") == std::string_view::npos) return FrameOwner::jdk;
    const auto owner = owner_of(type, {}, {.component = component});
    return owner == FrameOwner::user && thrown_by_installed_package(type, failure) ? FrameOwner::library : owner;
}

// The class that a linkage error misses or finds unfit, "a.b.C" or "a/b/C": "a/b/C", "a.b.C.method(…)",
// "'void a.b.C.method(…)'", "Receiver class a.b.C does not define …", "Found interface a.b.C, but …".
std::string_view class_named_by_linkage_error(std::string_view message) {
    if (message.starts_with("Could not initialize class ")) return {};  // It is there; its start failed.
    message = message.substr(0, message.find('('));
    std::string_view found;
    const bool names_a_member = message.find(" does not ") == std::string_view::npos;
    while (!message.empty()) {
        auto word = message.substr(0, message.find(' '));
        message.remove_prefix(std::min(word.size() + 1, message.size()));
        while (!word.empty() && std::string_view{"'\"`"}.find(word.front()) != std::string_view::npos)
            word.remove_prefix(1);
        word = word.substr(0, word.find_first_of(",;:'\"`"));
        if (std::ranges::count(word, '.') < 2 && std::ranges::count(word, '/') < 2) continue;
        found = word;
        if (!names_a_member) break;  // A return type may stand before a member; nothing before a class.
    }
    return found;
}

// Whose class a message names: a plain or array type is the language's own.
std::string named_class_owner(std::string_view name, Component component) {
    const bool plain = name.starts_with("[") || name.find('.') == std::string_view::npos;
    return std::string{to_string(plain ? FrameOwner::jdk : owner_of(name, {}, {.component = component}))};
}

// How many leading parts two names share.
std::size_t shared_parts(std::string_view a, std::string_view b) {
    std::size_t parts = 0;
    for (std::size_t at = 0; at < std::min(a.size(), b.size()) && a[at] == b[at]; ++at)
        if (a[at] == '.') ++parts;
    return parts;
}

constexpr std::array<std::string_view, 5> relocation_marks{".shaded.", ".shade.", ".relocated.", ".repackaged.",
                                                            ".thirdparty."};

// A class that moved code still asks for by its old name: "a.shaded.org.b.c.X.f" for "org.b.c.Y".
bool asked_for_by_moved_kin(const Failure& failure, std::string_view name) {
    constexpr std::size_t kin_parts = 3;
    for (const auto& frame : failure.root().frames)
        for (const auto mark : relocation_marks) {
            const auto at = frame.function.rfind(mark);
            if (at != std::string_view::npos &&
                shared_parts(name, frame.function.substr(at + mark.size())) >= kin_parts)
                return true;
        }
    return false;
}

// Whose class a linkage error misses: "own" when it comes from the package family of the code that asks for it,
// "relocated" when somebody's packing has moved it, or the code that asks for it.
std::string lacking_owner(const Failure& failure, Component component) {
    const auto type = failure.root_type();
    if (std::ranges::none_of(std::array{"NoClassDefFoundError", "ClassNotFoundException", "NoSuchMethodError",
                                        "NoSuchFieldError", "AbstractMethodError", "IncompatibleClassChangeError",
                                        "InvalidClassException"},
                             [&](std::string_view end) { return type.ends_with(end); }))
        return {};
    std::string name{class_named_by_linkage_error(failure.root().message)};
    if (name.empty()) return {};
    std::ranges::replace(name, '/', '.');
    for (const auto mark : relocation_marks)
        if (name.find(mark) != std::string::npos) return "relocated";
    if (asked_for_by_moved_kin(failure, name)) return "relocated";
    auto owner = owner_of(name, {}, {.component = component});
    if (owner == FrameOwner::library && name.starts_with("org.apache.flink.")) owner = FrameOwner::flink;
    constexpr std::size_t family_parts = 3, engine_family_parts = 5;
    const auto* frame = failure.deciding();
    const auto needed = name.starts_with("org.apache.flink.") ? engine_family_parts : family_parts;
    if (owner == FrameOwner::connector && frame != nullptr && shared_parts(name, frame->function) >= needed)
        return "own";
    return std::string{to_string(owner)};
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
        out += " root_owner=" + std::string{to_string(type_owner(failure->root_type(), component, *failure))};
        if (const auto* frame = failure->deciding()) {
            out += " decide=" + std::string{to_string(frame->owner)} + " decide_frame=";
            append(out, frame->function.substr(0, frame->function.find(' ')));
        }
        if (const auto caller = caller_of_deciding(*failure)) out += " caller=" + std::string{to_string(*caller)};
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
        if (const auto next = next_to_deciding(*failure)) out += " next=" + std::string{to_string(*next)};
    }
    if (failure != nullptr)
        if (const auto lacks = lacking_owner(*failure, component); !lacks.empty()) out += " lacks=" + lacks;
    if (const auto cast = failure != nullptr ? cast_named_by(failure->root()) : Cast{}; !cast.from.empty()) {
        if (casts_to_itself(cast)) out += " cast_to_itself=yes";
        out += " cast=" + named_class_owner(cast.from, component) + "-to-" + named_class_owner(cast.to, component);
    }
    if (text.record) out += " record=yes";
    if (text.exit_code) out += " exit=" + std::to_string(*text.exit_code);
    if (failure != nullptr && failure->root().type.starts_with("SIG")) out += " fatal=yes";
    if (failure != nullptr && !failure->root().message.empty()) {
        out += " message=";
        append(out, failure->root().message.substr(0, shape_message_bytes_max));
    }
    return out;
}

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
