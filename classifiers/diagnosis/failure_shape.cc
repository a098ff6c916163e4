#include "classifiers/diagnosis/failure_shape.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

namespace medic {
namespace {

constexpr std::size_t shape_message_bytes_max = 200;

// The failure that the shape is about: the first that has frames and is no mere echo; else the first.
const Failure* main_failure(const FailureText& text) {
    for (const auto& failure : text.failures)
        if (failure.has_deciding_frame) return &failure;
    return text.failures.empty() ? nullptr : &text.failures.front();
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

// What a failed cast names: "class a.B cannot be cast to class c.D (…)", "Cannot cast a.B to c.D". Empty names: no
// cast.
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
    if (std::ranges::none_of(
            std::array{"NoClassDefFoundError", "ClassNotFoundException", "NoSuchMethodError", "NoSuchFieldError",
                       "AbstractMethodError", "IncompatibleClassChangeError", "InvalidClassException"},
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
        out += failure->root_type();
        out += root.message.empty() ? " root_message=none" : " root_message=some";
        out += " root_owner=" + std::string{to_string(type_owner(failure->root_type(), component, *failure))};
        if (const auto* frame = failure->deciding()) {
            out += " decide=" + std::string{to_string(frame->owner)} + " decide_frame=";
            out += frame->function.substr(0, frame->function.find(' '));
        }
        if (const auto caller = caller_of_deciding(*failure)) out += " caller=" + std::string{to_string(*caller)};
        const Throwable* framed = &root;
        for (std::size_t at = failure->chain.size(); framed->frames.empty() && at-- > 0;) framed = &failure->chain[at];
        if (!framed->frames.empty()) {
            out += " top=" + std::string{to_string(framed->frames.front().owner)} + " top_frame=";
            out += framed->frames.front().function.substr(0, framed->frames.front().function.find(' '));
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
        out += failure->root().message.substr(0, shape_message_bytes_max);
    }
    return out;
}

}  // namespace medic
