#include "classifiers/diagnosis/cause_pages.h"

#include <algorithm>
#include <map>

namespace medic {
namespace {

std::string_view kind_name(Clue::Kind kind) {
    switch (kind) {
        case Clue::Kind::signature: return "in a trace or log";
        case Clue::Kind::symptom: return "symptom";
        case Clue::Kind::finding: return "finding";
        case Clue::Kind::event: return "event";
    }
    return "";
}

// Strong clues bring a cause up by themselves, weak ones only lean.
std::string_view strength(double weight) {
    const double size = weight < 0 ? -weight : weight;
    if (size >= 4) return "nearly certain";
    if (size >= 2.5) return "strong";
    return size >= 1 ? "some" : "weak";
}

void list_clues(const Cause& cause, bool speaking_for, std::string& out) {
    std::vector<const Clue*> clues;
    for (const auto& clue : cause.clues)
        if ((clue.weight > 0) == speaking_for) clues.push_back(&clue);
    std::ranges::stable_sort(clues, [](const Clue* a, const Clue* b) {
        return (a->weight < 0 ? -a->weight : a->weight) > (b->weight < 0 ? -b->weight : b->weight);
    });
    for (const auto* clue : clues)
        out += "- `" + clue->id + "` (" + std::string{kind_name(clue->kind)} +
               "): " + std::string{strength(clue->weight)} + "\n";
}

void indent_text(std::string_view text, std::string& out) {
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        out += "    ";
        out += text.substr(at, end - at);
        out += '\n';
        at = end + 1;
    }
}

void write_look_alikes(const Cause& cause, std::string& out) {
    if (cause.look_alikes.empty()) return;
    out += "\n## Looks like\n\n";
    for (const auto& alike : cause.look_alikes)
        out += "- [" + alike.cause + "](" + alike.cause + ".md): " + alike.told_apart_by + "\n";
}

void write_remedies(const Cause& cause, std::string& out) {
    out += "\n## What to do\n\n";
    if (cause.remedies.empty()) {
        out += "No remedy of the agent's own: the owner acts. " +
               std::string{cause.side == Side::user
                               ? "Restarting does not help for long: the same input meets the same code and settings.\n"
                               : "Restarting helps where the trouble has passed; it does not remove its cause.\n"};
        return;
    }
    out += "In this order, where the policy lets the agent act:\n\n";
    int number = 0;
    for (const auto& remedy : cause.remedies) out += std::to_string(++number) + ". `" + remedy + "`\n";
    if (cause.side == Side::user)
        out +=
            "\nWhere none of these can be used, the owner acts: restarting does not help for long, since the same "
            "input "
            "meets the same code and settings.\n";
}

std::string page_of(const Cause& cause) {
    std::string out = "# " + cause.id + "\n\n" + cause.explain + "\n\n";
    out += "- **Side**: " + std::string{to_string(cause.side)} + "\n- **Owner**: " + cause.owner + "\n- **Group**: `" +
           cause.group + "`\n";
    if (!cause.subject.empty()) out += "- **About**: a " + cause.subject + "\n";
    out += "\n## What speaks for it\n\n";
    list_clues(cause, true, out);
    if (std::ranges::any_of(cause.clues, [](const Clue& clue) { return clue.weight < 0; })) {
        out += "\n## What speaks against it\n\n";
        list_clues(cause, false, out);
    }
    if (!cause.explains.empty()) {
        out += "\n## What it explains away\n\n";
        for (const auto& effect : cause.explains) out += "- [" + effect + "](" + effect + ".md)\n";
    }
    write_look_alikes(cause, out);
    write_remedies(cause, out);
    for (const auto& one : cause.cases) {
        out += one.is ? "\n## Example\n\n" : "\n## Not this: " + one.name + "\n\n";
        indent_text(one.text, out);
    }
    return out;
}

std::string index_of(const Catalogue& catalogue) {
    std::map<std::string, std::vector<const Cause*>> groups;
    for (const auto& cause : catalogue.causes()) groups[cause.group].push_back(&cause);
    std::string out =
        "# Causes\n\nWhat the agent can name, by group. Written from `rules/causes` with `medic rules causes "
        "--markdown "
        "docs/causes`; do not edit\nby hand. How often it is right: [accuracy](../accuracy.md).\n\n| group | side | "
        "cause "
        "| owner |\n|---|---|---|---|\n";
    for (const auto& [group, causes] : groups)
        for (const auto* cause : causes)
            out += "| `" + group + "` | " + std::string{to_string(cause->side)} + " | [" + cause->id + "](" +
                   cause->id + ".md) | " + cause->owner + " |\n";
    return out;
}

}  // namespace

std::vector<CausePage> cause_pages(const Catalogue& catalogue) {
    std::vector<CausePage> pages{{"README.md", index_of(catalogue)}};
    for (const auto& cause : catalogue.causes()) pages.push_back({cause.id + ".md", page_of(cause)});
    return pages;
}

}  // namespace medic
