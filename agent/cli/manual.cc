#include <fmt/core.h>
#include <fmt/format.h>

#include "agent/cli/command_internal.h"
#include "agent/cli/command_tree_internal.h"
#include "agent/cli/version_internal.h"

namespace medic::cli {
namespace {

// As text of a man(7) page: nothing in it is an escape or a request.
std::string roff(const std::string& text) {
    std::string out;
    bool line_start = true;
    for (const char c : text) {
        if (line_start && (c == '.' || c == '\'')) out += "\\&";
        line_start = c == '\n';
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else
            out += c;
    }
    return out;
}

// The Unicode that our help texts use, spelt for roff.
std::string spelt(std::string text) {
    for (const auto& [from, to] :
         {std::pair{"…", "\\&..."}, {"–", "\\(en"}, {"→", "\\(->"}, {"·", "\\(bu"}, {"’", "'"}})
        for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += std::string_view(to).size())
            text.replace(at, std::string_view(from).size(), to);
    return text;
}

std::string line(const std::string& text) { return spelt(roff(text)) + "\n"; }

std::string synopsis(const CommandNode& node) {
    std::string text = ".B medic";
    if (!node.path.empty()) text += " " + spelt(roff(node.path));
    text += "\n";
    if (!node.options.empty()) text += ".RI [ options ]\n";
    for (const OptionNode& one : node.positionals)
        text += one.required ? ".I " + roff(one.value) + "\n" : ".RI [ " + roff(one.value) + " ]\n";
    if (!node.commands.empty()) text += ".RI [ command ]\n";
    return text;
}

std::string option_text(const OptionNode& option) {
    std::string names;
    for (const std::string& name : option.names) names += (names.empty() ? "" : ", ") + name;
    std::string text = ".TP\n";
    if (option.names.empty())
        text += ".I " + line(option.value);
    else if (option.value.empty())
        text += ".B " + line(names);
    else
        text += ".BI \"" + spelt(roff(names)) + " \" " + line(option.value);
    std::string what = option.what;
    if (!option.choices.empty()) {
        what += " (";
        for (const std::string& one : option.choices) what += (what.back() == '(' ? "" : ", ") + one;
        what += ")";
    }
    return text + line(what.empty() ? "Required." : what);
}

std::string examples(const std::string& footer) {
    const auto start = footer.find('\n');
    if (footer.empty() || start == std::string::npos) return "";
    return ".PP\nExamples:\n.PP\n.nf\n.RS\n" + line(footer.substr(start + 1)) + ".RE\n.fi\n";
}

std::string command_text(const CommandNode& node) {
    std::string text =
        ".SS " + spelt(roff("medic " + node.path)) + "\n" + line(node.what + ".") + ".PP\n" + synopsis(node);
    for (const OptionNode& one : node.positionals) text += option_text(one);
    for (const OptionNode& one : node.options) text += option_text(one);
    return text + examples(node.footer);
}

}  // namespace

std::string manual_page(const CommandNode& top, const std::string& version) {
    std::string text =
        ".TH MEDIC 1 \"\" \"" + roff(version) +
        "\" \"Streammedic\"\n.SH NAME\nmedic \\- keeps Apache Kafka, Kafka "
        "Connect and Apache Flink healthy\n.SH SYNOPSIS\n.B medic\n.I command\n.RI [ options ]\n.SH DESCRIPTION\n" +
        line(top.what);
    text += "Without a policy it only reads.\n.SH OPTIONS\n";
    for (const OptionNode& one : top.options) text += option_text(one);
    for (const char* group : {on_call, run, author, practise, move}) {
        std::string section;
        for (const CommandNode& command : top.commands)
            if (command.group == group)
                for (const CommandNode* node : all_commands(command)) section += command_text(*node);
        if (!section.empty()) text += ".SH \"" + std::string(group) + "\"\n" + section;
    }
    return text +
           ".SH \"EXIT STATUS\"\n"
           ".TP\n.B 0\nDone, or healthy.\n.TP\n.B 1\nA problem was found, or the request failed.\n"
           ".TP\n.B 2\nCould not tell.\n.TP\n.B 64\nWrong usage, or a configuration that can\\(aqt be used.\n"
           ".SH ENVIRONMENT\n"
           ".TP\n.B MEDIC_TOKEN\nToken for the agent\\(aqs API, instead of the one in its token file.\n"
           ".TP\n.B NO_COLOR\nNo colour, also on a terminal.\n"
           ".SH FILES\n"
           ".TP\n.I /etc/streammedic/medic.yaml\nWhat to watch; used where there is no medic.yaml in the current "
           "folder.\n"
           ".TP\n.I /etc/streammedic/policy.yaml\nWhat may be done. Nothing is done without it.\n"
           ".TP\n.I /var/lib/streammedic\nThe journal. A file PAUSE in it stops every change.\n";
}

void add_man(CLI::App& app, Context& context) {
    CLI::App* command = add(app, run, "man", "Print the manual page", "  medic man > medic.1\n  medic man | man -l -");
    command->callback([&app, &context] {
        fmt::print("{}", manual_page(command_tree(app), version_text()));
        context.exit_code = exit_ok;
    });
}

}  // namespace medic::cli
