#include <fmt/core.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/cli/command_internal.h"
#include "agent/cli/command_tree_internal.h"

namespace medic::cli {
namespace {

// Inside single quotes of a POSIX shell.
std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

// Inside single quotes of fish, which knows two escapes there.
std::string fish_quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') out += '\\';
        out += c;
    }
    return out + "'";
}

std::vector<std::string> words_of(const CommandNode& node) {
    std::vector<std::string> words;
    for (const CommandNode& command : node.commands) words.push_back(command.name);
    for (const OptionNode& option : node.options) words.insert(words.end(), option.names.begin(), option.names.end());
    for (const OptionNode& one : node.positionals) words.insert(words.end(), one.choices.begin(), one.choices.end());
    return words;
}

// "path name" of every option that takes a value, and its choices.
std::vector<std::pair<std::string, std::vector<std::string>>> valued(const CommandNode& node) {
    std::vector<std::pair<std::string, std::vector<std::string>>> all;
    for (const OptionNode& option : node.options)
        if (!option.value.empty())
            for (const std::string& name : option.names) all.emplace_back(node.path + "|" + name, option.choices);
    return all;
}

// The shell functions that find the command under the cursor: the same few lines in bash and zsh.
std::string path_finder(const CommandNode& top) {
    std::string cases;
    for (const CommandNode* node : all_commands(top))
        for (const CommandNode& command : node->commands)
            cases += fmt::format("            {}) path={} ;;\n", quoted(node->path + "|" + command.name),
                                 quoted(command.path));
    return cases;
}

}  // namespace

std::string bash_completion(const CommandNode& top) {
    std::string words, values;
    for (const CommandNode* node : all_commands(top)) {
        words += fmt::format("        {}) words={} ;;\n", quoted(node->path),
                             quoted(fmt::format("{}", fmt::join(words_of(*node), " "))));
        for (const auto& [key, choices] : valued(*node))
            values += fmt::format(
                "        {}) {} ;;\n", quoted(key),
                choices.empty() ? "files=1" : "words=" + quoted(fmt::format("{}", fmt::join(choices, " "))));
    }
    return "# bash completion for medic, printed by `medic completion bash`.\n"
           "_medic() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path= words= files= i\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        case \"$path|${COMP_WORDS[i]}\" in\n" +
           path_finder(top) +
           "        esac\n"
           "    done\n"
           "    case \"$path|$prev\" in\n" +
           values +
           "    esac\n"
           "    if [ -n \"$files\" ]; then COMPREPLY=($(compgen -f -- \"$cur\")); return; fi\n"
           "    [ -n \"$words\" ] || case \"$path\" in\n" +
           words +
           "    esac\n"
           "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
           "}\n"
           "complete -o default -F _medic medic\n";
}

std::string zsh_completion(const CommandNode& top) {
    std::string words, values;
    for (const CommandNode* node : all_commands(top)) {
        words += fmt::format("        ({})\n            items=(\n", quoted(node->path));
        const auto item = [&](const std::string& word, const std::string& what) {
            std::string escaped;
            for (const char c : word) escaped += c == ':' ? std::string("\\:") : std::string(1, c);
            words += "                " + quoted(escaped + ":" + what) + "\n";
        };
        for (const CommandNode& command : node->commands) item(command.name, command.what);
        for (const OptionNode& option : node->options)
            for (const std::string& name : option.names) item(name, option.what);
        for (const OptionNode& one : node->positionals)
            for (const std::string& choice : one.choices) item(choice, one.what);
        words += "            ) ;;\n";
        for (const auto& [key, choices] : valued(*node))
            values += fmt::format(
                "        ({}) {} ;;\n", quoted(key),
                choices.empty() ? "_files; return" : fmt::format("compadd -- {}; return", fmt::join(choices, " ")));
    }
    return "#compdef medic\n"
           "# zsh completion for medic, printed by `medic completion zsh`.\n"
           "_medic() {\n"
           "    local path_= i\n"
           "    local -a items\n"
           "    for ((i = 2; i < CURRENT; i++)); do\n"
           "        local path=$path_\n"
           "        case \"$path|${words[i]}\" in\n" +
           path_finder(top) +
           "        esac\n"
           "        path_=$path\n"
           "    done\n"
           "    case \"$path_|${words[CURRENT-1]}\" in\n" +
           values +
           "    esac\n"
           "    case \"$path_\" in\n" +
           words +
           "    esac\n"
           "    _describe 'medic' items\n"
           "    _files\n"
           "}\n"
           "if [ \"$funcstack[1]\" = _medic ]; then _medic \"$@\"; else compdef _medic medic; fi\n";
}

std::string fish_completion(const CommandNode& top) {
    std::string cases, lines;
    for (const CommandNode* node : all_commands(top)) {
        for (const CommandNode& command : node->commands)
            cases += fmt::format("            case {}\n                set path {}\n",
                                 fish_quoted(node->path + "|" + command.name), fish_quoted(command.path));
        const std::string here = "complete -c medic -n '__medic_at \"" + node->path + "\"'";
        for (const CommandNode& command : node->commands)
            lines += fmt::format("{} -f -a {} -d {}\n", here, command.name, fish_quoted(command.what));
        for (const OptionNode& one : node->positionals)
            if (!one.choices.empty())
                lines += fmt::format("{} -f -a '{}' -d {}\n", here, fmt::join(one.choices, " "), fish_quoted(one.what));
        for (const OptionNode& option : node->options) {
            std::string line = here;
            for (const std::string& name : option.names)
                line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
            if (!option.choices.empty())
                line += fmt::format(" -x -a '{}'", fmt::join(option.choices, " "));
            else if (!option.value.empty())
                line += " -r -F";
            lines += line + " -d " + fish_quoted(option.what) + "\n";
        }
    }
    return "# fish completion for medic, printed by `medic completion fish`.\n"
           "function __medic_at\n"
           "    set -l path ''\n"
           "    for word in (commandline -opc)[2..-1]\n"
           "        switch \"$path|$word\"\n" +
           cases +
           "        end\n"
           "    end\n"
           "    test \"$path\" = \"$argv[1]\"\n"
           "end\n" +
           lines;
}

void add_completion(CLI::App& app, Context& context) {
    CLI::App* command = add(app, run, "completion", "Print the completions of a shell",
                            "  medic completion bash > /etc/bash_completion.d/medic\n"
                            "  medic completion zsh > ~/.zfunc/_medic\n"
                            "  medic completion fish > ~/.config/fish/completions/medic.fish");
    static std::string shell;
    command->add_option("SHELL", shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
    command->callback([&app, &context] {
        const CommandNode top = command_tree(app);
        fmt::print("{}", shell == "bash"  ? bash_completion(top)
                         : shell == "zsh" ? zsh_completion(top)
                                          : fish_completion(top));
        context.exit_code = exit_ok;
    });
}

}  // namespace medic::cli
