// SPDX-License-Identifier: MIT
/* The guest's first process while a scenario runs: it is never paged out, since a machine whose init misses a page ends.
 * Usage: first WORD COMMAND...; prints WORD and the command's exit status when that has ended, and powers off. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **words) {
    if (count < 3 || mlockall(MCL_CURRENT | MCL_FUTURE))
        return 1;
    pid_t child = fork();
    if (child == 0) {
        execvp(words[2], words + 2);
        _exit(127);
    }
    /* Whoever loses its parent is this process's child. */
    int status = 0;
    pid_t ended;
    do
        ended = wait(&status);
    while (ended > 0 && ended != child);
    printf("%s %d\n", words[1], WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    fflush(stdout);
    sync();
    return reboot(RB_POWER_OFF);
}
