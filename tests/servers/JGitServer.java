import java.io.File;
import java.net.InetSocketAddress;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;
import org.eclipse.jgit.http.server.GitServlet;
import org.eclipse.jgit.transport.Daemon;
import org.eclipse.jgit.transport.resolver.FileResolver;

/** JGit's servers of the repositories in a folder: git:// at one port of loopback, http at another. */
public class JGitServer {
  public static void main(String[] args) throws Exception {
    File root = new File(args[0]);
    Daemon daemon = new Daemon(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[1])));
    daemon.setRepositoryResolver(new FileResolver<>(root, true));
    daemon.getService("git-receive-pack").setEnabled(true);
    daemon.start();

    Server http = new Server(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[2])));
    ServletHolder git = new ServletHolder(new GitServlet());
    git.setInitParameter("base-path", root.getPath());
    git.setInitParameter("export-all", "true");
    ServletContextHandler all = new ServletContextHandler();
    all.addServlet(git, "/*");
    http.setHandler(all);
    http.start();
    http.join();
  }
}
