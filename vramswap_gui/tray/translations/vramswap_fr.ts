<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="fr" sourcelanguage="en">
<context>
    <name>tray</name>
    <message>
        <source>Turn on by itself</source>
        <translation>S’activer tout seul</translation>
    </message>
    <message>
        <source>When VRAM becomes swap without your turning it on.</source>
        <translation>Quand la VRAM devient espace d’échange sans que vous l’activiez.</translation>
    </message>
    <message>
        <source>Never</source>
        <translation>Jamais</translation>
    </message>
    <message>
        <source>When memory gets short</source>
        <translation>Quand la mémoire manque</translation>
    </message>
    <message>
        <source>Always</source>
        <translation>Toujours</translation>
    </message>
    <message>
        <source>Swap size</source>
        <translation>Taille</translation>
    </message>
    <message>
        <source>How much VRAM to lend at most.</source>
        <translation>Combien de VRAM prêter au plus.</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>Automatique</translation>
    </message>
    <message>
        <source>all that is free, less what is kept free</source>
        <translation>tout ce qui est libre, moins ce qui est gardé libre</translation>
    </message>
    <message>
        <source>VRAM kept free</source>
        <translation>VRAM gardée libre</translation>
    </message>
    <message>
        <source>VRAM that is never lent: the desktop and other programs have it.</source>
        <translation>VRAM qui n’est jamais prêtée&#xa0;: le bureau et d’autres programmes l’ont.</translation>
    </message>
    <message>
        <source>Start before login</source>
        <translation>Démarrer avant la session</translation>
    </message>
    <message>
        <source>Be there as soon as the computer has started. Otherwise the tray icon brings it at login.</source>
        <translation>Être là dès que l’ordinateur a démarré. Sinon, l’icône de la zone de notification l’amène à l’ouverture de session.</translation>
    </message>
    <message>
        <source>Give back after</source>
        <translation>Rendre après</translation>
    </message>
    <message>
        <source>How long memory has to be plentiful before VRAM that was lent on demand is given back.</source>
        <translation>Combien de temps la mémoire doit être abondante avant que la VRAM prêtée à la demande soit rendue.</translation>
    </message>
    <message>
        <source>Only on mains power</source>
        <translation>Seulement sur secteur</translation>
    </message>
    <message>
        <source>Bring everything home when the machine goes to battery.</source>
        <translation>Tout rapatrier quand l’ordinateur passe sur batterie.</translation>
    </message>
    <message>
        <source>Battery floor</source>
        <translation>Seuil de la batterie</translation>
    </message>
    <message>
        <source>Off while the battery is below it. 0: no floor.</source>
        <translation>Désactivé quand la batterie est en dessous. 0&#xa0;: pas de seuil.</translation>
    </message>
    <message>
        <source>Make way for games</source>
        <translation>Céder la place aux jeux</translation>
    </message>
    <message>
        <source>Give all VRAM back while GameMode says that a game is running.</source>
        <translation>Rendre toute la VRAM tant que GameMode dit qu’un jeu est en cours.</translation>
    </message>
    <message>
        <source>Make way for programs</source>
        <translation>Céder la place à des programmes</translation>
    </message>
    <message>
        <source>Programs that get all VRAM while they run, as games do: their names, with commas between.</source>
        <translation>Programmes qui obtiennent toute la VRAM tant qu’ils fonctionnent, comme les jeux&#xa0;: leurs noms, séparés par des virgules.</translation>
    </message>
    <message>
        <source>Off in power saver</source>
        <translation>Désactivé en économie d’énergie</translation>
    </message>
    <message>
        <source>Bring everything home while the desktop&apos;s power mode is the one that saves power.</source>
        <translation>Tout rapatrier tant que le mode d’énergie du bureau est celui qui économise.</translation>
    </message>
    <message>
        <source>Largest size</source>
        <translation>Taille maximale</translation>
    </message>
    <message>
        <source>The most a user may choose without an administrator.</source>
        <translation>Le plus qu’un utilisateur peut choisir sans administrateur.</translation>
    </message>
    <message>
        <source>No limit</source>
        <translation>Sans limite</translation>
    </message>
    <message>
        <source>Swap priority</source>
        <translation>Priorité de l’espace d’échange</translation>
    </message>
    <message>
        <source>Higher is used first. Disk swap usually has -2, zram 100.</source>
        <translation>La plus haute est utilisée d’abord. L’espace d’échange sur disque a d’habitude -2, zram 100.</translation>
    </message>
    <message>
        <source>Place to land</source>
        <translation>Lieu de repli</translation>
    </message>
    <message>
        <source>Where a swap file may be made when pages in VRAM fit nowhere else: in this folder of root&apos;s; off: nowhere; auto: in vramswap&apos;s own folder, if that is encrypted or the computer swaps to a disk already.</source>
        <translation>Où créer un fichier d’échange quand les pages en VRAM ne tiennent nulle part ailleurs&#xa0;: dans ce dossier de root&#xa0;; off&#xa0;: nulle part&#xa0;; auto&#xa0;: dans le dossier de vramswap, s’il est chiffré ou si l’ordinateur échange déjà sur un disque.</translation>
    </message>
    <message>
        <source>Kernel driver</source>
        <translation>Pilote du noyau</translation>
    </message>
    <message>
        <source>NBD</source>
        <translation>NBD</translation>
    </message>
    <message>
        <source>ublk (Linux 7.2 or newer)</source>
        <translation>ublk (Linux 7.2 ou plus récent)</translation>
    </message>
    <message>
        <source>Compression</source>
        <translation>Compression</translation>
    </message>
    <message>
        <source>By what pages are packed, so that the same VRAM holds more of them; the processor works for each, and coming back they take a little longer. Automatic is lz4. It counts when the swap is turned on the next time.</source>
        <translation>Ce qui compresse les pages, afin que la même VRAM en contienne davantage ; chacune demande du travail au processeur, et elles mettent un peu plus de temps à revenir. Automatique, c’est lz4. Pris en compte à la prochaine activation du swap.</translation>
    </message>
    <message>
        <source>None</source>
        <translation>Aucune</translation>
    </message>
    <message>
        <source>lz4, the faster one</source>
        <translation>lz4, le plus rapide</translation>
    </message>
    <message>
        <source>zstd, the smaller one</source>
        <translation>zstd, le plus compact</translation>
    </message>
    <message>
        <source>GPU</source>
        <translation>GPU</translation>
    </message>
    <message>
        <source>PCI address, UUID or number of the GPU to use. Empty: the first one.</source>
        <translation>Adresse PCI, UUID ou numéro du GPU à utiliser. Vide&#xa0;: le premier.</translation>
    </message>
    <message>
        <source>Start at login</source>
        <translation>Démarrer à l’ouverture de session</translation>
    </message>
    <message>
        <source>Show the icon in the tray as soon as you log in.</source>
        <translation>Montrer l’icône dans la zone de notification dès que vous ouvrez votre session.</translation>
    </message>
    <message>
        <source>Notifications</source>
        <translation>Notifications</translation>
    </message>
    <message>
        <source>Say what you should know while no window is open: trouble, and VRAM that is given back.</source>
        <translation>Dire ce que vous devez savoir quand aucune fenêtre n’est ouverte&#xa0;: les ennuis, et la VRAM qui est rendue.</translation>
    </message>
    <message>
        <source>Tray icon</source>
        <translation>Icône de notification</translation>
    </message>
    <message>
        <source>Choose a colour where the panel does not give the icon its own.</source>
        <translation>Choisissez une couleur là où le tableau de bord ne donne pas la sienne à l’icône.</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>Claire</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>Sombre</translation>
    </message>
    <message>
        <source>VRAM swap</source>
        <translation>Espace d’échange en VRAM</translation>
    </message>
    <message>
        <source>Today: {size} kept off the disk ({pages} pages), in {time}.</source>
        <translation>Aujourd’hui&#xa0;: {size} épargnés au disque ({pages} pages), en {time}.</translation>
    </message>
    <message>
        <source>Today: {size} moved to VRAM ({pages} pages), in {time}.</source>
        <translation>Aujourd’hui&#xa0;: {size} envoyés en VRAM ({pages} pages), en {time}.</translation>
    </message>
    <message>
        <source>d MMM</source>
        <translation>d MMM</translation>
    </message>
    <message>
        <source>The computer went to sleep</source>
        <translation>L’ordinateur s’est mis en veille</translation>
    </message>
    <message>
        <source>The computer woke up</source>
        <translation>L’ordinateur s’est réveillé</translation>
    </message>
    <message>
        <source>All is well again</source>
        <translation>Tout va bien de nouveau</translation>
    </message>
    <message>
        <source>Swap was made on the disk, for pages that fitted nowhere else</source>
        <translation>Un espace d’échange a été créé sur le disque, pour des pages qui ne tenaient nulle part ailleurs</translation>
    </message>
    <message>
        <source>The swap on the disk is gone again</source>
        <translation>L’espace d’échange sur le disque a de nouveau disparu</translation>
    </message>
    <message>
        <source>Pages came back from VRAM damaged</source>
        <translation>Des pages sont revenues abîmées de la VRAM</translation>
    </message>
    <message>
        <source>by hand</source>
        <translation>à la main</translation>
    </message>
    <message>
        <source>on battery</source>
        <translation>sur batterie</translation>
    </message>
    <message>
        <source>a game is running</source>
        <translation>un jeu est en cours</translation>
    </message>
    <message>
        <source>a program of yours is running</source>
        <translation>un de vos programmes fonctionne</translation>
    </message>
    <message>
        <source>the power mode saves power</source>
        <translation>le mode d’énergie économise</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>en pause</translation>
    </message>
    <message>
        <source>the computer sleeps</source>
        <translation>l’ordinateur est en veille</translation>
    </message>
    <message>
        <source>other programs use the VRAM</source>
        <translation>d’autres programmes utilisent la VRAM</translation>
    </message>
    <message>
        <source>{minutes}&#xa0;min</source>
        <translation>{minutes}&#xa0;min</translation>
    </message>
    <message>
        <source>{day}, {time}</source>
        <translation>{day}, {time}</translation>
    </message>
    <message>
        <source>Pages are not packed so well any more: {size} less of swap</source>
        <translation>Les pages se compressent moins bien : {size} de swap en moins</translation>
    </message>
    <message>
        <source>memory is short</source>
        <translation>la mémoire manque</translation>
    </message>
    <message>
        <source>memory is plentiful</source>
        <translation>la mémoire est abondante</translation>
    </message>
    <message>
        <source>{setting}: {value}</source>
        <translation>{setting}&#xa0;: {value}</translation>
    </message>
    <message>
        <source>{hours}&#xa0;h {minutes}&#xa0;min</source>
        <translation>{hours}&#xa0;h {minutes}&#xa0;min</translation>
    </message>
    <message>
        <source>More: {size} after {before}</source>
        <translation>Plus&#xa0;: {size} après {before}</translation>
    </message>
    <message>
        <source>Less: {size} after {before}</source>
        <translation>Moins&#xa0;: {size} après {before}</translation>
    </message>
    <message>
        <source>Failed</source>
        <translation>Échec</translation>
    </message>
    <message>
        <source>Not done</source>
        <translation>Non fait</translation>
    </message>
    <message>
        <source>on</source>
        <translation>activé</translation>
    </message>
    <message>
        <source>off</source>
        <translation>désactivé</translation>
    </message>
    <message>
        <source>Waiting</source>
        <translation>En attente</translation>
    </message>
    <message>
        <source>Off</source>
        <translation>Désactivé</translation>
    </message>
    <message>
        <source>On, {size}</source>
        <translation>Activé, {size}</translation>
    </message>
    <message>
        <source>Pages are packed well: {size} more of swap</source>
        <translation>Les pages se compressent bien : {size} de swap en plus</translation>
    </message>
    <message>
        <source>The VRAM was full, and pages stayed in memory</source>
        <translation>La VRAM était pleine, et des pages sont restées en mémoire</translation>
    </message>
    <message>
        <source>This desktop shows no tray icons, so there is this window instead.</source>
        <translation>Ce bureau ne montre pas d’icônes de notification, d’où cette fenêtre.</translation>
    </message>
    <message>
        <source>Closing it leaves the swap as it is.</source>
        <translation>La fermer laisse l’espace d’échange tel quel.</translation>
    </message>
    <message>
        <source>A bar with a tray brings them, such as waybar with its module “tray”.</source>
        <translation>Une barre avec une zone de notification les apporte, comme waybar avec son module «&#xa0;tray&#xa0;».</translation>
    </message>
    <message>
        <source>Adding a “system tray” or “status tray” to the panel brings them.</source>
        <translation>Ajouter une «&#xa0;zone de notification&#xa0;» au tableau de bord les apporte.</translation>
    </message>
    <message>
        <source>{size} B</source>
        <translation>{size} o</translation>
    </message>
    <message>
        <source>{part} of {whole}</source>
        <translation>{part} sur {whole}</translation>
    </message>
    <message>
        <source>{size} GiB</source>
        <translation>{size} Gio</translation>
    </message>
    <message>
        <source>{size} MiB</source>
        <translation>{size} Mio</translation>
    </message>
    <message>
        <source>{size} KiB</source>
        <translation>{size} Kio</translation>
    </message>
    <message>
        <source>The swap in VRAM turns off</source>
        <translation>L’espace d’échange en VRAM se désactive</translation>
    </message>
    <message>
        <source>The pages in VRAM fit neither into memory nor into other swap. Close programs, then try again.</source>
        <translation>Les pages en VRAM ne tiennent ni en mémoire ni dans d’autres espaces d’échange. Fermez des programmes, puis réessayez.</translation>
    </message>
    <message>
        <source>The computer runs on battery.</source>
        <translation>L’ordinateur fonctionne sur batterie.</translation>
    </message>
    <message>
        <source>What is in VRAM comes back into memory, which can take a moment.</source>
        <translation>Ce qui est en VRAM revient en mémoire, ce qui peut prendre un moment.</translation>
    </message>
    <message>
        <source>No VRAM is lent until that changes.</source>
        <translation>Aucune VRAM n’est prêtée jusqu’à ce que cela change.</translation>
    </message>
    <message>
        <source>VRAM is given back</source>
        <translation>La VRAM est rendue</translation>
    </message>
    <message>
        <source>A game is running and gets all of it.</source>
        <translation>Un jeu est en cours et l’obtient en entier.</translation>
    </message>
    <message>
        <source>The swap in VRAM is in danger</source>
        <translation>L’espace d’échange en VRAM est en danger</translation>
    </message>
    <message>
        <source>Turn it off now</source>
        <translation>Le désactiver maintenant</translation>
    </message>
    <message>
        <source>The computer did not go to sleep</source>
        <translation>L’ordinateur ne s’est pas mis en veille</translation>
    </message>
    <message>
        <source>VRAM cannot be given back</source>
        <translation>La VRAM ne peut pas être rendue</translation>
    </message>
    <message>
        <source>VRAM cannot be lent</source>
        <translation>La VRAM ne peut pas être prêtée</translation>
    </message>
    <message>
        <source>Use it all the same</source>
        <translation>L’utiliser quand même</translation>
    </message>
    <message>
        <source>The battery is below {floor} %.</source>
        <translation>La batterie est sous {floor}&#xa0;%.</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>Ouvrir</translation>
    </message>
    <message>
        <source>Process {pid}</source>
        <translation>Processus {pid}</translation>
    </message>
    <message>
        <source>&amp;Use VRAM as swap</source>
        <translation>&amp;Utiliser la VRAM comme espace d’échange</translation>
    </message>
    <message>
        <source>&amp;Pause for an hour</source>
        <translation>&amp;Pause d’une heure</translation>
    </message>
    <message>
        <source>&amp;Lend now</source>
        <translation>Prêter &amp;maintenant</translation>
    </message>
    <message>
        <source>End the &amp;pause</source>
        <translation>Mettre fin à la &amp;pause</translation>
    </message>
    <message>
        <source>Use on &amp;battery this once</source>
        <translation>Utiliser cette fois sur &amp;batterie</translation>
    </message>
    <message>
        <source>&amp;Size</source>
        <translation>&amp;Taille</translation>
    </message>
    <message>
        <source>S&amp;ettings…</source>
        <translation>&amp;Réglages…</translation>
    </message>
    <message>
        <source>&amp;Check this computer…</source>
        <translation>&amp;Vérifier cet ordinateur…</translation>
    </message>
    <message>
        <source>&amp;Open</source>
        <translation>&amp;Ouvrir</translation>
    </message>
    <message>
        <source>&amp;Quit</source>
        <translation>&amp;Quitter</translation>
    </message>
    <message>
        <source>No NVIDIA GPU</source>
        <translation>Pas de GPU NVIDIA</translation>
    </message>
    <message numerus="yes">
        <source>%n page(s) came back damaged from VRAM.</source>
        <translation>
            <numerusform>Une page est revenue abîmée de la VRAM.</numerusform>
            <numerusform>%n pages sont revenues abîmées de la VRAM.</numerusform>
        </translation>
    </message>
    <message>
        <source>A program that wanted one was ended, rather than given wrong data. If the GPU is overclocked, undo that; if it goes on, turn the swap off.</source>
        <translation>Un programme qui en avait besoin a été arrêté plutôt que de recevoir des données fausses. Si le GPU est surcadencé, annulez-le&#xa0;; si cela continue, désactivez le swap.</translation>
    </message>
    <message>
        <source>May memory be written to this disk?</source>
        <translation>La mémoire peut-elle être écrite sur ce disque&#xa0;?</translation>
    </message>
    <message>
        <source>If memory is full when a game or sleep needs the VRAM, what is in it fits only in a swap file on this disk. Without one the game has to do without, and the computer stays awake. The disk is not encrypted: whoever gets hold of it could read what was in memory, passwords too.</source>
        <translation>Si la mémoire est pleine quand un jeu ou la veille a besoin de la VRAM, son contenu ne tient que dans un fichier de swap sur ce disque. Sans lui, le jeu doit s’en passer et l’ordinateur reste éveillé. Le disque n’est pas chiffré&#xa0;: qui s’en empare pourrait lire ce qui était en mémoire, mots de passe compris.</translation>
    </message>
    <message>
        <source>{pages} in {vram} of VRAM ({ratio} : 1)</source>
        <translation>{pages} dans {vram} de VRAM ({ratio} : 1)</translation>
    </message>
    <message>
        <source>The GPU is awake.</source>
        <translation>Le GPU est éveillé.</translation>
    </message>
    <message>
        <source>A&amp;llow it</source>
        <translation>Aut&amp;oriser</translation>
    </message>
    <message>
        <source>&amp;Never</source>
        <translation>&amp;Jamais</translation>
    </message>
    <message>
        <source>No VRAM is lent. Nothing else was changed.</source>
        <translation>Aucune VRAM n’est prêtée. Rien d’autre n’a été changé.</translation>
    </message>
    <message>
        <source>kernel</source>
        <translation>noyau</translation>
    </message>
    <message>
        <source>{size} in all</source>
        <translation>{size} en tout</translation>
    </message>
    <message>
        <source>{size} lent</source>
        <translation>{size} prêtés</translation>
    </message>
    <message>
        <source>Video memory</source>
        <translation>Mémoire vidéo</translation>
    </message>
    <message>
        <source>The GPU is asleep.</source>
        <translation>Le GPU dort.</translation>
    </message>
    <message>
        <source>The GPU is awake, because its memory is lent.</source>
        <translation>Le GPU est éveillé, car sa mémoire est prêtée.</translation>
    </message>
    <message>
        <source>The GPU is asleep. Looking would wake it.</source>
        <translation>Le GPU dort. Regarder le réveillerait.</translation>
    </message>
    <message>
        <source>Compressed memory (zram)</source>
        <translation>Mémoire compressée (zram)</translation>
    </message>
    <message>
        <source>Landed on the disk</source>
        <translation>Posé sur le disque</translation>
    </message>
    <message>
        <source>Swap file {path}</source>
        <translation>Fichier d’échange {path}</translation>
    </message>
    <message>
        <source>Disk {path}</source>
        <translation>Disque {path}</translation>
    </message>
    <message>
        <source>Connecting…</source>
        <translation>Connexion…</translation>
    </message>
    <message>
        <source>Looking for the helper, which does the work.</source>
        <translation>Recherche du service auxiliaire, qui fait le travail.</translation>
    </message>
    <message>
        <source>Helper unavailable</source>
        <translation>Service auxiliaire indisponible</translation>
    </message>
    <message>
        <source>The helper, which does the work, does not answer.</source>
        <translation>Le service auxiliaire, qui fait le travail, ne répond pas.</translation>
    </message>
    <message>
        <source>The helper does not say why.</source>
        <translation>Le service auxiliaire ne dit pas pourquoi.</translation>
    </message>
    <message>
        <source>Paused</source>
        <translation>En pause</translation>
    </message>
    <message>
        <source>The computer is on battery.</source>
        <translation>L’ordinateur est sur batterie.</translation>
    </message>
    <message>
        <source>No VRAM is lent, and the GPU may sleep.</source>
        <translation>Aucune VRAM n’est prêtée, et le GPU peut dormir.</translation>
    </message>
    <message>
        <source>Bringing pages home, {size} to go.</source>
        <translation>Rapatriement des pages, encore {size}.</translation>
    </message>
    <message>
        <source>VRAM swap: {state}</source>
        <translation>Espace d’échange en VRAM&#xa0;: {state}</translation>
    </message>
    <message>
        <source>{part} in use</source>
        <translation>{part} utilisés</translation>
    </message>
    <message>
        <source>{use} · {watts} W</source>
        <translation>{use} · {watts} W</translation>
    </message>
    <message>
        <source>Automatic, all that is free</source>
        <translation>Automatique, tout ce qui est libre</translation>
    </message>
    <message>
        <source>Its memory is shown when the swap is on.</source>
        <translation>Sa mémoire est montrée quand l’espace d’échange est activé.</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>Mémoire</translation>
    </message>
    <message>
        <source>Used</source>
        <translation>Utilisé</translation>
    </message>
    <message>
        <source>Free</source>
        <translation>Libre</translation>
    </message>
    <message>
        <source>&amp;Quit, the swap stays on</source>
        <translation>&amp;Quitter, l’espace d’échange reste activé</translation>
    </message>
    <message>
        <source>Turning on…</source>
        <translation>Activation…</translation>
    </message>
    <message>
        <source>On</source>
        <translation>Activé</translation>
    </message>
    <message>
        <source>Changing the size…</source>
        <translation>Changement de taille…</translation>
    </message>
    <message>
        <source>Turning off…</source>
        <translation>Désactivation…</translation>
    </message>
    <message>
        <source>In trouble</source>
        <translation>En difficulté</translation>
    </message>
    <message>
        <source>Until {time}. Then it goes on as before.</source>
        <translation>Jusqu’à {time}. Puis tout continue comme avant.</translation>
    </message>
    <message>
        <source>Simulated: {parts}</source>
        <translation>Simulé&#xa0;: {parts}</translation>
    </message>
    <message>
        <source>The GPU is kept awake by {programs}.</source>
        <translation>Le GPU est tenu éveillé par {programs}.</translation>
    </message>
    <message>
        <source>“{command}”</source>
        <translation>«&#xa0;{command}&#xa0;»</translation>
    </message>
    <message>
        <source>It turns on as soon as there is VRAM to lend.</source>
        <translation>Il s’active dès qu’il y a de la VRAM à prêter.</translation>
    </message>
    <message>
        <source>Automatic, now {size}</source>
        <translation>Automatique, à présent {size}</translation>
    </message>
    <message>
        <source>{wanted}, now {size}</source>
        <translation>{wanted}, à présent {size}</translation>
    </message>
    <message>
        <source>{size} of VRAM are still in use as swap.</source>
        <translation>{size} de VRAM servent encore d’espace d’échange.</translation>
    </message>
    <message>
        <source>VRAM</source>
        <translation>VRAM</translation>
    </message>
    <message>
        <source>Swap, used</source>
        <translation>Échange, utilisé</translation>
    </message>
    <message>
        <source>Swap, reserved</source>
        <translation>Échange, vide</translation>
    </message>
    <message>
        <source>Kept free</source>
        <translation>Gardé libre</translation>
    </message>
    <message>
        <source>Others</source>
        <translation>Autres</translation>
    </message>
    <message>
        <source>Other programs</source>
        <translation>Programmes</translation>
    </message>
    <message>
        <source>Traffic between memory and VRAM, last 5 minutes</source>
        <translation>Trafic entre la mémoire et la VRAM, 5 dernières minutes</translation>
    </message>
    <message>
        <source>5 minutes ago</source>
        <translation>il y a 5 minutes</translation>
    </message>
    <message>
        <source>now</source>
        <translation>à présent</translation>
    </message>
    <message>
        <source>In VRAM</source>
        <translation>En VRAM</translation>
    </message>
    <message>
        <source>↑ To VRAM</source>
        <translation>↑ Vers la VRAM</translation>
    </message>
    <message>
        <source>↓ Back</source>
        <translation>↓ Retour</translation>
    </message>
    <message>
        <source>To VRAM {out}, back {back}, in VRAM {held}. Peak of the last 5 minutes {peak}.</source>
        <translation>Vers la VRAM {out}, retour {back}, en VRAM {held}. Pointe des 5 dernières minutes {peak}.</translation>
    </message>
    <message>
        <source>{size}/s</source>
        <translation>{size}/s</translation>
    </message>
    <message>
        <source>at most {rate}</source>
        <translation>au plus {rate}</translation>
    </message>
    <message>
        <source>Which of the kernel&apos;s drivers makes VRAM a block device: ublk if the kernel&apos;s is good enough, else NBD. It counts when the swap is turned on the next time.</source>
        <translation>Quel pilote du noyau fait de la VRAM un périphérique bloc : ublk si celui du noyau est assez bon, sinon NBD. Pris en compte à la prochaine activation.</translation>
    </message>
    <message>
        <source>The extension “AppIndicator and KStatusNotifierItem Support” is installed and only has to be switched on, after a new login if it has just come.</source>
        <translation>L’extension «&#xa0;AppIndicator and KStatusNotifierItem Support&#xa0;» est installée et n’a plus qu’à être activée, après une nouvelle ouverture de session si elle vient d’arriver.</translation>
    </message>
    <message>
        <source>Install the extension “AppIndicator and KStatusNotifierItem Support”, then log in again.</source>
        <translation>Installez l’extension «&#xa0;AppIndicator and KStatusNotifierItem Support&#xa0;», puis rouvrez la session.</translation>
    </message>
    <message>
        <source>&amp;Copy command</source>
        <translation>&amp;Copier la commande</translation>
    </message>
    <message>
        <source>&amp;Dismiss</source>
        <translation>&amp;Fermer</translation>
    </message>
    <message>
        <source>{entry} – {reason}</source>
        <translation>{entry} – {reason}</translation>
    </message>
    <message>
        <source>None can be seen, so there is no video memory to lend. If this computer has one, “Check this computer…” says what hides it.</source>
        <translation>Aucun n’est visible&#xa0;: il n’y a pas de mémoire vidéo à prêter. Si cet ordinateur en a un, «&#xa0;Vérifier cet ordinateur…&#xa0;» dit ce qui le cache.</translation>
    </message>
    <message>
        <source>there is no NVIDIA GPU</source>
        <translation>il n’y a pas de GPU NVIDIA</translation>
    </message>
    <message>
        <source>once this is done</source>
        <translation>une fois ceci terminé</translation>
    </message>
    <message>
        <source>once the helper is found</source>
        <translation>une fois le service auxiliaire trouvé</translation>
    </message>
    <message>
        <source>the helper does not answer</source>
        <translation>le service auxiliaire ne répond pas</translation>
    </message>
    <message>
        <source>Pages are compressed. As they turn out small, there is more swap.</source>
        <translation>Les pages sont compressées. Si elles deviennent petites, il y a plus d’espace d’échange.</translation>
    </message>
    <message>
        <source>Another can be chosen once the GPU has been awake.</source>
        <translation>Une autre peut être choisie une fois le GPU réveillé.</translation>
    </message>
    <message>
        <source>once the GPU has been awake</source>
        <translation>une fois le GPU réveillé</translation>
    </message>
    <message>
        <source>Dismiss this message</source>
        <translation>Fermer ce message</translation>
    </message>
    <message>
        <source>Copy the command {command}</source>
        <translation>Copier la commande {command}</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>Taille</translation>
    </message>
    <message>
        <source>&amp;Automatic: all VRAM that is free</source>
        <translation>&amp;Automatique&#xa0;: toute la VRAM libre</translation>
    </message>
    <message>
        <source>Amount of VRAM to lend</source>
        <translation>Quantité de VRAM à prêter</translation>
    </message>
    <message>
        <source>{size} are kept free</source>
        <translation>{size} restent libres</translation>
    </message>
    <message>
        <source>Lends the memory of an idle NVIDIA GPU to Linux as swap, and gives it back when it is wanted.</source>
        <translation>Prête à Linux la mémoire d’un GPU NVIDIA inactif comme espace d’échange, et la rend quand elle est demandée.</translation>
    </message>
    <message>
        <source>Free software under the MIT licence, by the vramswap authors. Made with Qt {version}.</source>
        <translation>Logiciel libre sous licence MIT, par les auteurs de vramswap. Fait avec Qt {version}.</translation>
    </message>
    <message>
        <source>About vramswap</source>
        <translation>À propos de vramswap</translation>
    </message>
    <message>
        <source>Everything that is needed is there.</source>
        <translation>Tout ce qu’il faut est là.</translation>
    </message>
    <message>
        <source>Check of this computer</source>
        <translation>Vérification de cet ordinateur</translation>
    </message>
    <message>
        <source>fine</source>
        <translation>bien</translation>
    </message>
    <message>
        <source>worth knowing</source>
        <translation>bon à savoir</translation>
    </message>
    <message>
        <source>missing</source>
        <translation>manquant</translation>
    </message>
    <message>
        <source>Check &amp;again</source>
        <translation>Vérifier de &amp;nouveau</translation>
    </message>
    <message>
        <source>Copy &amp;everything</source>
        <translation>&amp;Tout copier</translation>
    </message>
    <message>
        <source>Copy all that was found, to ask somebody for help</source>
        <translation>Copier tout ce qui a été trouvé, pour demander de l’aide</translation>
    </message>
    <message numerus="yes">
        <source>%n checks are fine</source>
        <translation>
            <numerusform>%n vérification est bonne</numerusform>
            <numerusform>%n vérifications sont bonnes</numerusform>
        </translation>
    </message>
    <message>
        <source>Checking…</source>
        <translation>Vérification…</translation>
    </message>
    <message>
        <source>This computer has no NVIDIA GPU.</source>
        <translation>Cet ordinateur n’a pas de GPU NVIDIA.</translation>
    </message>
    <message numerus="yes">
        <source>%n things are missing before VRAM can be lent.</source>
        <translation>
            <numerusform>Il manque&#xa0;%n chose pour prêter de la VRAM.</numerusform>
            <numerusform>Il manque&#xa0;%n choses pour prêter de la VRAM.</numerusform>
        </translation>
    </message>
    <message>
        <source>Everything that is needed is there, and some things are worth knowing.</source>
        <translation>Tout ce qu’il faut est là, et certaines choses sont bonnes à savoir.</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>Copier</translation>
    </message>
    <message numerus="yes">
        <source>%n more checks</source>
        <translation>
            <numerusform>%n autre vérification</numerusform>
            <numerusform>%n autres vérifications</numerusform>
        </translation>
    </message>
    <message>
        <source>Copy the command for {name}</source>
        <translation>Copier la commande pour {name}</translation>
    </message>
    <message>
        <source>The figures differ from run to run by up to {percent}&#xa0;%: measure again when nothing else works.</source>
        <translation>Les chiffres diffèrent d’un passage à l’autre de jusqu’à {percent}&#xa0;%&#xa0;: mesurez de nouveau quand rien d’autre ne travaille.</translation>
    </message>
    <message>
        <source>VRAM brings pages back as fast as the disk.</source>
        <translation>La VRAM ramène les pages aussi vite que le disque.</translation>
    </message>
    <message>
        <source>VRAM or disk?</source>
        <translation>VRAM ou disque&#xa0;?</translation>
    </message>
    <message>
        <source>256 MiB of VRAM and as much of the disk are written and read, for about ten seconds. The swap stays as it is. A GPU that sleeps wakes up.</source>
        <translation>256 Mio de VRAM et autant du disque sont écrits et lus, pendant dix secondes environ. L’espace d’échange reste comme il est. Un GPU qui dort se réveille.</translation>
    </message>
    <message>
        <source>Working</source>
        <translation>En cours</translation>
    </message>
    <message>
        <source>Which is faster here?</source>
        <translation>Lequel est le plus rapide ici&#xa0;?</translation>
    </message>
    <message>
        <source>&amp;Measure</source>
        <translation>&amp;Mesurer</translation>
    </message>
    <message>
        <source>&amp;Stop</source>
        <translation>&amp;Arrêter</translation>
    </message>
    <message>
        <source>Measuring…</source>
        <translation>Mesure en cours…</translation>
    </message>
    <message>
        <source>The disk brings pages back {times} times as fast as VRAM.</source>
        <translation>Le disque ramène les pages {times} fois aussi vite que la VRAM.</translation>
    </message>
    <message>
        <source>Disk</source>
        <translation>Disque</translation>
    </message>
    <message>
        <source>{time} µs</source>
        <translation>{time} µs</translation>
    </message>
    <message>
        <source>{rate} GB/s</source>
        <translation>{rate} Go/s</translation>
    </message>
    <message>
        <source>A page comes back (less is better)</source>
        <translation>Une page revient (moins, c’est mieux)</translation>
    </message>
    <message>
        <source>Pages leave (more is better)</source>
        <translation>Des pages partent (plus, c’est mieux)</translation>
    </message>
    <message>
        <source>Nothing was measured.</source>
        <translation>Rien n’a été mesuré.</translation>
    </message>
    <message>
        <source>VRAM brings pages back {times} times as fast as the disk.</source>
        <translation>La VRAM ramène les pages {times} fois aussi vite que le disque.</translation>
    </message>
    <message>
        <source>Use VRAM as swap</source>
        <translation>Utiliser la VRAM comme espace d’échange</translation>
    </message>
    <message>
        <source>&amp;More</source>
        <translation>&amp;Plus</translation>
    </message>
    <message>
        <source>&amp;Cancel</source>
        <translation>A&amp;nnuler</translation>
    </message>
    <message>
        <source>Leave the pages in VRAM and the swap on</source>
        <translation>Laisser les pages en VRAM et l’espace d’échange activé</translation>
    </message>
    <message>
        <source>&amp;Resume</source>
        <translation>&amp;Reprendre</translation>
    </message>
    <message>
        <source>End the pause now</source>
        <translation>Mettre fin à la pause maintenant</translation>
    </message>
    <message>
        <source>&amp;Use on battery</source>
        <translation>&amp;Utiliser sur batterie</translation>
    </message>
    <message>
        <source>This once: until mains power is back</source>
        <translation>Cette fois&#xa0;: jusqu’au retour du secteur</translation>
    </message>
    <message>
        <source>Do not wait until memory gets short</source>
        <translation>Ne pas attendre que la mémoire manque</translation>
    </message>
    <message>
        <source>&amp;Settings…</source>
        <translation>Ré&amp;glages…</translation>
    </message>
    <message>
        <source>C&amp;heck this computer…</source>
        <translation>&amp;Vérifier cet ordinateur…</translation>
    </message>
    <message>
        <source>Last 5 minutes</source>
        <translation>5 dernières minutes</translation>
    </message>
    <message>
        <source>Memory and swap</source>
        <translation>Mémoire et espaces d’échange</translation>
    </message>
    <message>
        <source>Programs in swap</source>
        <translation>Programmes en échange</translation>
    </message>
    <message>
        <source>What happened</source>
        <translation>Ce qui s’est passé</translation>
    </message>
    <message>
        <source>&amp;VRAM or disk?</source>
        <translation>&amp;VRAM ou disque&#xa0;?</translation>
    </message>
    <message>
        <source>&amp;Report a problem…</source>
        <translation>&amp;Signaler un problème…</translation>
    </message>
    <message>
        <source>&amp;About</source>
        <translation>À prop&amp;os</translation>
    </message>
    <message>
        <source>Of all swap, be it VRAM or not; the kernel does not tell more.</source>
        <translation>Dans tous les espaces d’échange, VRAM ou non&#xa0;; le noyau n’en dit pas plus.</translation>
    </message>
    <message>
        <source>None of your programs has memory in swap.</source>
        <translation>Aucun de vos programmes n’a de mémoire en échange.</translation>
    </message>
    <message>
        <source>Report a problem</source>
        <translation>Signaler un problème</translation>
    </message>
    <message>
        <source>This is what somebody needs who is to help you. Names of people and of this computer are left out, and nothing is sent: read it, then give it to whom you like.</source>
        <translation>Voici ce qu’il faut à qui doit vous aider. Les noms des personnes et de cet ordinateur sont omis, et rien n’est envoyé&#xa0;: lisez-le, puis donnez-le à qui vous voulez.</translation>
    </message>
    <message>
        <source>Being put together…</source>
        <translation>En préparation…</translation>
    </message>
    <message>
        <source>&amp;Copy</source>
        <translation>&amp;Copier</translation>
    </message>
    <message>
        <source>&amp;Save…</source>
        <translation>&amp;Enregistrer…</translation>
    </message>
    <message>
        <source>Save the report</source>
        <translation>Enregistrer le rapport</translation>
    </message>
    <message>
        <source>These settings are everybody&apos;s on this computer, so you may be asked for an administrator&apos;s password.</source>
        <translation>Ces réglages valent pour tous sur cet ordinateur&#xa0;: le mot de passe d’un administrateur peut être demandé.</translation>
    </message>
    <message>
        <source>VRAM swap settings</source>
        <translation>Réglages de l’espace d’échange en VRAM</translation>
    </message>
    <message>
        <source>&amp;Apply</source>
        <translation>&amp;Appliquer</translation>
    </message>
    <message>
        <source>&amp;Revert</source>
        <translation>&amp;Rétablir</translation>
    </message>
    <message>
        <source>Swap</source>
        <translation>Espace d’échange</translation>
    </message>
    <message>
        <source>Power and games</source>
        <translation>Énergie et jeux</translation>
    </message>
    <message>
        <source>Your account</source>
        <translation>Votre compte</translation>
    </message>
    <message>
        <source>Advanced</source>
        <translation>Avancé</translation>
    </message>
    <message>
        <source>Applying. If a password is asked for, that window may be behind others.</source>
        <translation>Application. Si un mot de passe est demandé, cette fenêtre peut être derrière d’autres.</translation>
    </message>
    <message>
        <source>Apply the settings that you have changed?</source>
        <translation>Appliquer les réglages que vous avez changés&#xa0;?</translation>
    </message>
    <message>
        <source>They are not in force yet.</source>
        <translation>Ils ne s’appliquent pas encore.</translation>
    </message>
    <message>
        <source>Everybody&apos;s on this computer: needs an administrator.</source>
        <translation>Pour tous sur cet ordinateur&#xa0;: demande un administrateur.</translation>
    </message>
    <message>
        <source>Whose memory is lent.</source>
        <translation>Dont la mémoire est prêtée.</translation>
    </message>
    <message>
        <source>Needs an administrator</source>
        <translation>Demande un administrateur</translation>
    </message>
    <message>
        <source>Changing this may ask for an administrator&apos;s password.</source>
        <translation>Changer cela peut demander le mot de passe d’un administrateur.</translation>
    </message>
    <message>
        <source>{help} {automatic}: {meaning}.</source>
        <translation>{help} {automatic}&#xa0;: {meaning}.</translation>
    </message>
    <message>
        <source>empty</source>
        <translation>vide</translation>
    </message>
    <message>
        <source> min</source>
        <translation> min</translation>
    </message>
    <message>
        <source> GiB</source>
        <translation> Gio</translation>
    </message>
    <message>
        <source>The first one</source>
        <translation>Le premier</translation>
    </message>
    <message>
        <source>{minutes} min</source>
        <translation>{minutes} min</translation>
    </message>
    <message>
        <source>Back to the default: {value}</source>
        <translation>Revenir à la valeur par défaut&#xa0;: {value}</translation>
    </message>
    <message>
        <source>Reset {title}</source>
        <translation>Rétablir {title}</translation>
    </message>
    <message>
        <source>{title}: {value}</source>
        <translation>{title}&#xa0;: {value}</translation>
    </message>
</context>
</TS>
