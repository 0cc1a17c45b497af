/** The shells' scripts: they ask the program that is being completed for the words (`--complete`). */
import { AdmFailure } from '../failure.js';

export function completionScript(shell: string): string {
  const script = SCRIPTS[shell];
  if (script !== undefined) return script;
  throw new AdmFailure(`--completion knows no shell "${shell}": write bash, zsh or fish`, 2);
}

/**
 * bash takes a colon for the end of a word, so the words are read from the line itself, and what stands before the
 * last colon is taken off the answers.
 */
const bash = `# Completion of tunvsadm and ipvsadm for bash: source this file, or store it as
# /etc/bash_completion.d/tunvsadm.
_tunvsadm() {
  local line="\${COMP_LINE:0:COMP_POINT}" words current head
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  current="\${words[-1]}"
  mapfile -t COMPREPLY < <("\${words[0]}" --complete "\${words[@]:1}" 2>/dev/null)
  if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
    head="\${current%"\${current##*:}"}"
    COMPREPLY=("\${COMPREPLY[@]#"$head"}")
  fi
}
complete -F _tunvsadm tunvsadm ipvsadm
`;

const zsh = `#compdef tunvsadm ipvsadm
# Completion of tunvsadm and ipvsadm for zsh: store it as _tunvsadm in a folder
# of $fpath, or source this file after compinit.
_tunvsadm() {
  local -a found
  found=("\${(@f)$("\${words[1]}" --complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  [[ -n "\${found[*]}" ]] && compadd -a found
}
if [[ "\${funcstack[1]}" == _tunvsadm ]]; then
  _tunvsadm "$@"
else
  compdef _tunvsadm tunvsadm ipvsadm
fi
`;

const fish = `# Completion of tunvsadm and ipvsadm for fish: store it as tunvsadm.fish in
# ~/.config/fish/completions, and link ipvsadm.fish to it.
function __tunvsadm_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  $words[1] --complete $words[2..-1] "$current" 2>/dev/null
end
complete -c tunvsadm -f -a '(__tunvsadm_complete)'
complete -c ipvsadm -f -a '(__tunvsadm_complete)'
`;

const SCRIPTS: Readonly<Record<string, string>> = { bash, zsh, fish };
